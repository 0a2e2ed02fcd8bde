import { command } from '../command.ts';
import { etcdOptions } from '../etcd-options.ts';
import { integerOr, oneOf, requiredText, textOr } from '../option.ts';

export const initCommand = command({
  name: 'init',
  summary: 'make a new cluster and its first manager on this machine',
  description: [
    'Makes the identity of the cluster, its certificate authority and the data of the first manager, and writes a client configuration for you.',
    'The profile says how long a node may be silent before it is fenced: fast 1s, default 3s, conservative 15s.',
  ],
  arguments: {},
  options: {
    directory: textOr('--directory <path>', 'data of the manager', '/var/lib/kennel/manager', {
      completes: { kind: 'file' },
    }),
    name: requiredText('--name <cluster>', 'name of the cluster, for people'),
    address: requiredText('--address <host>', 'under which agents and people reach this manager'),
    apiPort: integerOr('--api-port <port>', 'port for people and tools', {
      min: 1,
      max: 65_535,
      fallback: 7400,
    }),
    sessionPort: integerOr('--session-port <port>', 'port for agents', {
      min: 1,
      max: 65_535,
      fallback: 7401,
    }),
    profile: oneOf(
      '--profile <profile>',
      'how fast failures are detected',
      ['fast', 'default', 'conservative'],
      'default',
    ),
    store: oneOf(
      '--store <store>',
      'in the managers, which agree on it, or in an etcd',
      ['raft', 'etcd'],
      'raft',
    ),
    ...etcdOptions,
  },
  examples: [
    'kennel init --name prod --address 10.0.0.10',
    'kennel init --name prod --address 10.0.0.10 --store etcd --etcd-endpoint https://etcd-1:2379 --etcd-ca /etc/etcd/ca.crt',
  ],
  run: async (call) => (await import('../actions/init.ts')).initCluster(call, call.options),
});
