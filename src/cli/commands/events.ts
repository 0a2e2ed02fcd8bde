import { command } from '../command.ts';
import { flag, integer, integerOr, text } from '../option.ts';

export const eventsCommand = command({
  name: 'events',
  summary: 'the history of the cluster, line by line',
  description: [
    'Oldest first. The first column is the position in the history; give it to --after to go on from there.',
    'With -f and -o json every event is one line of JSON.',
  ],
  arguments: {},
  options: {
    follow: flag('-f, --follow', 'go on and print new events as they happen'),
    last: integerOr('--last <number>', 'how many of the past to print', {
      min: 0,
      max: 100_000,
      fallback: 50,
    }),
    after: integer('--after <sequence>', 'only events after this position', {
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
    }),
    node: text('--node <name>', 'only events of this node', { completes: { kind: 'node' } }),
    vm: text('--vm <name>', 'only events of this VM', { completes: { kind: 'vm' } }),
  },
  examples: ['kennel events', 'kennel events -f', 'kennel events --node node-7 --last 10'],
  run: async (call) => (await import('../actions/events.ts')).showEvents(call, call.options),
});
