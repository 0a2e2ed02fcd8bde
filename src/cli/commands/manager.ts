import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import { textOr } from '../option.ts';

const run = command({
  name: 'run',
  summary: 'run the manager in the foreground until it is told to stop',
  description: ['For the service manager of the machine. SIGTERM and SIGINT stop it in order.'],
  arguments: {},
  options: {
    directory: textOr('--directory <path>', 'data of the manager', '/var/lib/kennel/manager', {
      completes: { kind: 'file' },
    }),
  },
  examples: ['kennel manager run'],
  run: async (call) => (await import('../actions/services.ts')).runManager(call, call.options),
});

export const managerNoun: Noun = {
  kind: 'noun',
  name: 'manager',
  summary: 'the manager on this machine',
  verbs: [run],
};
