import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import { flag, oneOf, refused, requiredText, text, textOr } from '../option.ts';

const file = { completes: { kind: 'file' } } as const;
const directory = textOr('--directory <path>', 'data of the agent', '/var/lib/kennel/agent', file);

const join = command({
  name: 'join',
  summary: 'enrol this machine as a node',
  description: [
    'The private key is made on this machine and never leaves it. The token names the certificate authority, so a manager that is not the right one is refused.',
  ],
  arguments: {},
  options: {
    token: refused('--token [value]', {
      because: 'the arguments of a process can be read by every user of the machine',
      try: ['--token-file FILE', '--token-stdin'],
    }),
    tokenFile: text('--token-file <path>', 'read the token from `kennel node token` there', file),
    tokenStdin: flag('--token-stdin', 'read the token from standard input'),
    manager: requiredText('--manager <host:port>', 'address of the API of a manager'),
    node: requiredText('--node <name>', 'name of this node in the cluster'),
    address: requiredText('--address <address>', 'under which other nodes reach this node'),
    directory,
    libvirtSocket: text('--libvirt-socket <path>', 'socket of libvirt on this machine', file),
    migrateOver: oneOf(
      '--migrate-over <transport>',
      'how libvirt here reaches that of other nodes; tcp is not encrypted',
      ['tls', 'tcp'],
      'tls',
    ),
    watchdogSocket: text(
      '--watchdog-socket <path>',
      'socket of kennel-watchdog on this machine: the node then fences itself',
      file,
    ),
    bootIdFile: text('--boot-id-file <path>', 'where the boot id of this machine is read', file),
    machineIdFile: text('--machine-id-file <path>', 'where the machine id is read', file),
  },
  examples: [
    'kennel agent join --token-file token --manager 10.0.0.10:7400 --node node-1 --address 10.0.0.11',
    'kennel node token | ssh node-1 kennel agent join --token-stdin --manager 10.0.0.10:7400 --node node-1 --address 10.0.0.11',
  ],
  run: async (call) => (await import('../actions/services.ts')).joinAgent(call, call.options),
});

const run = command({
  name: 'run',
  summary: 'run the agent in the foreground until it is told to stop',
  description: [
    'For the service manager of the machine. Stopping the agent leaves its VMs running.',
  ],
  arguments: {},
  options: { directory },
  examples: ['kennel agent run'],
  run: async (call) => (await import('../actions/services.ts')).runAgent(call, call.options),
});

export const agentNoun: Noun = {
  kind: 'noun',
  name: 'agent',
  summary: 'the agent on this machine: join a cluster, run',
  verbs: [join, run],
};
