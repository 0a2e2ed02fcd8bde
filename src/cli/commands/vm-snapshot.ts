import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import { text } from '../option.ts';

const verbs = ['create', 'ls', 'show', 'revert', 'delete'];

export const snapshot = command({
  name: 'snapshot',
  summary: 'disks and memory of a running VM kept as they are now, and gone back to',
  description: [
    'create VM NAME keeps both inside the disks, which have to be qcow2 files; the guest stands still meanwhile. revert VM NAME loses what came after: the VM runs on from there, at its node. delete VM NAME gives the room back. ls VM and show VM NAME read the list.',
    'What is done is done to a VM that runs, by its node. Until that answers the VM is locked for it: nothing moves it or starts it over, unless its node is proven dead. A VM that has snapshots keeps its machine: an edit of its disks, cards, memory or hardware is refused. See docs/snapshots.md.',
  ],
  arguments: {
    verb: { summary: verbs.join(', '), completes: { kind: 'words', words: verbs } },
    vm: { summary: 'name or UUID of the VM', completes: { kind: 'vm' } },
    name: { summary: 'of the snapshot', completes: { kind: 'nothing' }, isOptional: true },
  },
  options: {
    note: text('--note <text>', 'of create: what it is for'),
    request: text('--request <id>', 'name of this call; made again, it is not done again'),
    ...changeOptions,
  },
  examples: [
    'kennel vm snapshot create db-1 before-upgrade --wait --note "PostgreSQL 17"',
    'kennel vm snapshot ls db-1',
    'kennel vm snapshot revert db-1 before-upgrade --wait',
    'kennel vm snapshot delete db-1 before-upgrade --wait',
  ],
  run: async (call) =>
    (await import('../actions/vm-snapshot.ts')).snapshotVm(call, call.arguments, call.options),
});
