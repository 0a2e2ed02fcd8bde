import { command } from '../command.ts';
import { text } from '../option.ts';

const file = { completes: { kind: 'file' } } as const;

export const backupCommand = command({
  name: 'backup',
  summary: "write all of the cluster's state into one file",
  description: [
    'Asks a manager, or with --directory reads the store of a manager that is stopped. A file of that name is replaced, once the new one is whole.',
    'Passwords of fence devices are in it, sealed as they are in the store. The keys of the cluster are not: keep authority.pem, cluster-keys.json, manager.pem and manager.yaml of a manager apart from it.',
  ],
  arguments: { file: { summary: 'where it is written', ...file } },
  options: {
    directory: text('--directory <path>', 'data of a manager that is stopped', file),
  },
  examples: [
    'kennel backup /backup/kennel-$(date +%F).backup',
    'kennel backup last.backup --directory /var/lib/kennel/manager',
  ],
  run: async (call) =>
    (await import('../actions/backup.ts')).makeBackup(call, call.arguments.file, call.options),
});
