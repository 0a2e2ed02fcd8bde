import { command } from '../command.ts';
import { flag, textOr } from '../option.ts';

const file = { completes: { kind: 'file' } } as const;

export const restoreCommand = command({
  name: 'restore',
  summary: 'put a backup into the empty store of a stopped manager',
  description: [
    'The backup may be old: what runs goes on. Every VM is taken over where it is found, by whatever permit it runs, and none gets a new owner before all nodes of the backup have said what they run or are proven off. VMs that were made since show up as domains without a record: kennel vm adopt.',
    'Nodes that joined since are not in the backup, so nothing waits for them: before the manager runs, see to it that they run no VM of the backup; let them join again afterwards.',
    'All managers must be stopped. In a store of managers this one begins alone, the others join again. An interrupted restore may be repeated.',
  ],
  arguments: { file: { summary: 'what kennel backup wrote', ...file } },
  options: {
    directory: textOr('--directory <path>', 'data of the manager', '/var/lib/kennel/manager', file),
    yes: flag('-y, --yes', 'do not ask'),
  },
  examples: ['kennel restore /backup/kennel-2026-11-28.backup && kennel manager run'],
  run: async (call) =>
    (await import('../actions/backup.ts')).restoreBackup(call, call.arguments.file, call.options),
});
