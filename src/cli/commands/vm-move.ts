import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import { duration, flag, integer, text } from '../option.ts';

const vm = { summary: 'name or UUID of the VM', completes: { kind: 'vm' } } as const;
const to = text('--to <node>', 'the node that is to run it; without it Kennel chooses', {
  completes: { kind: 'node' },
});

const despiteRules = flag(
  '--despite-rules',
  'to a node that its rules about nodes forbid; enforced rules bring it back later',
);

export const migrate = command({
  name: 'migrate',
  summary: 'move a running VM to another node without stopping its guest',
  description: [
    'The VM stays where it is when anything goes wrong before the hand-over; docs/migration.md says what happens when. It waits its turn while too many migrations are under way.',
  ],
  arguments: { vm },
  options: {
    to,
    cancel: flag('--cancel', 'let it stay: stops a migration that is under way'),
    orRestart: flag('--or-restart', 'shut it down and start it there where live does not work out'),
    bandwidth: integer('--bandwidth <number>', 'MiB/s at most', { min: 1, max: 1_000_000 }),
    despiteRules,
    noAutoConverge: flag('--no-auto-converge', 'do not slow a guest down that outruns the copy'),
    deadline: duration('--deadline <duration>', 'give up after so long; the VM then stays', '10m'),
    ...changeOptions,
  },
  examples: ['kennel vm migrate db-1 --to node-2 --wait', 'kennel vm migrate db-1 --cancel'],
  run: async (call) =>
    (await import('../actions/vm-move.ts')).migrateVm(call, call.arguments.vm, call.options),
});

export const relocate = command({
  name: 'relocate',
  summary: 'move a VM to another node by a shutdown here and a start there',
  description: ['A VM that is off belongs to the other node from then on.'],
  arguments: { vm },
  options: { to, despiteRules, ...changeOptions },
  examples: ['kennel vm relocate db-1 --to node-2 --wait'],
  run: async (call) =>
    (await import('../actions/vm-move.ts')).relocateVm(call, call.arguments.vm, call.options),
});
