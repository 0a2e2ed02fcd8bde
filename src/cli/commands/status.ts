import { command } from '../command.ts';
import { duration, flag } from '../option.ts';

export const statusCommand = command({
  name: 'status',
  summary: 'what runs where, what is wrong, and which command fixes it',
  description: [
    'Findings come first, each with its code and the commands that fix it. When not everything fits the terminal, what is as it should be is left out and counted; -o wide shows all of it.',
    'Exit code: 0 healthy, 1 degraded, 2 no quorum or no manager reached. -o json prints the view of the API unchanged.',
  ],
  arguments: {},
  options: {
    watch: flag('--watch', 'show it again and again until interrupted'),
    interval: duration('--interval <duration>', 'pause between two looks of --watch', '2s'),
  },
  examples: ['kennel status', 'kennel status --watch', "kennel status -o json | jq '.findings'"],
  run: async (call) => (await import('../actions/status.ts')).showStatus(call, call.options),
});
