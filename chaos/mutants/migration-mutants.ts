import type { Mutant } from './mutant.ts';

const decision = 'src/core/decide/migration.ts';

/** Defects in live migration: who owns the VM when, and what is believed of whom. */
export const migrationMutants: readonly Mutant[] = [
  {
    name: 'owner-changes-at-command',
    summary: 'the target owns the VM as soon as the source is told to copy',
    edits: [
      {
        file: decision,
        find: "    draft.put(withPhase(vm, move, migration, 'moving'));",
        replace: '    handOver(draft, vm, migration);',
      },
    ],
    expected: ['owners', 'permits', 'singleWriter'],
    maxSeeds: 100,
    profile: 'agents',
  },
  {
    name: 'cancel-means-moved',
    summary: 'a source that says that it has stopped copying counts as one that gave the VM away',
    edits: [
      {
        file: decision,
        find: "  if (outcome?.kind === 'done') end(draft, vm, move, migration);",
        replace: "  if (outcome?.kind === 'done') handOver(draft, vm, migration);",
      },
    ],
    expected: ['owners', 'singleWriter'],
    maxSeeds: 400,
    profile: 'agents',
  },
  {
    name: 'timeout-means-moved',
    summary: 'a migration that takes too long, or is called off, counts as done',
    edits: [
      {
        file: decision,
        find: "  draft.put(withPhase(vm, move, { ...migration, because }, 'cancelling'));",
        replace: '  handOver(draft, vm, migration);',
      },
    ],
    expected: ['owners', 'singleWriter'],
    maxSeeds: 400,
    profile: 'agents',
  },
  {
    name: 'copy-forgotten',
    summary: 'a migration is over although its target has not dropped the copy',
    edits: [
      {
        file: decision,
        find: "  if (!isGone && standingOf(draft, vm, migration.target).kind !== 'dead') return;",
        replace: '  if (!isGone && migration.target.token < 0) return;',
      },
    ],
    expected: ['owners'],
    maxSeeds: 400,
    profile: 'agents',
  },
  {
    name: 'failure-means-gone',
    summary: 'an agent says of a VM that its libvirt kept that it left',
    edits: [
      {
        file: 'agent/migration.ts',
        find: "  return { kind: stands ? 'leftPaused' : 'here' };",
        replace: "  return { kind: stands ? 'leftPaused' : 'migrated' };",
      },
    ],
    expected: ['owners', 'singleWriter'],
    maxSeeds: 400,
    profile: 'agents',
  },
];
