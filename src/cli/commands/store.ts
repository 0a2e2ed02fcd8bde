import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import { etcdOptions } from '../etcd-options.ts';
import { flag, oneOf, textOr } from '../option.ts';

const kinds = ['raft', 'etcd'] as const;

const migrate = command({
  name: 'migrate',
  summary: 'move everything to another store while the managers are stopped',
  description: [
    'Copies all keys into the empty target, compares both sides by a hash over their contents, and then names the target in manager.yaml. Interrupted, it may be repeated. Nobody leads on the old store afterwards; epochs go on upwards.',
    'Only for a cluster of one manager, since one cannot move for all: remove the others before, and let them join again after.',
  ],
  arguments: {},
  options: {
    from: oneOf('--from <store>', 'the store that manager.yaml names', kinds, 'raft'),
    to: oneOf('--to <store>', 'where everything goes', kinds, 'etcd'),
    ...etcdOptions,
    directory: textOr('--directory <path>', 'data of the manager', '/var/lib/kennel/manager', {
      completes: { kind: 'file' },
    }),
    yes: flag('-y, --yes', 'do not ask'),
  },
  examples: [
    'kennel store migrate --from raft --to etcd --etcd-endpoint https://etcd-1:2379 --etcd-ca /etc/etcd/ca.crt',
    'kennel store migrate --from etcd --to raft',
  ],
  run: async (call) => (await import('../actions/backup.ts')).migrateStore(call, call.options),
});

export const storeNoun: Noun = {
  kind: 'noun',
  name: 'store',
  summary: 'where the state is kept: move it to another store',
  verbs: [migrate],
};
