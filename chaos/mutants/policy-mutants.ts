import type { Mutant } from './mutant.ts';

/** Defects in what moves VMs unasked, and in what locks are for. */
export const policyMutants: readonly Mutant[] = [
  {
    name: 'lock-forgotten-at-start',
    summary: 'a VM that is locked and off is placed and started like any other',
    edits: [
      {
        file: 'src/core/decide/recovery.ts',
        find: '  if (vm.lock != null) {\n    explain(draft, vm, lockedText(vm.lock));',
        replace: "  if (vm.lock?.kind === 'clone') {\n    explain(draft, vm, lockedText(vm.lock));",
      },
    ],
    expected: ['locks'],
    maxSeeds: 150,
    profile: 'agents',
  },
  {
    name: 'lock-forgotten-at-restart',
    summary: 'a locked VM that ends by itself is started again where it ran',
    edits: [
      {
        file: 'src/core/decide/vms.ts',
        find: '!node.cordoned && vm.lock == null;',
        replace: "!node.cordoned && vm.lock?.kind !== 'clone';",
      },
    ],
    expected: ['locks'],
    maxSeeds: 200,
    profile: 'agents',
  },
  {
    name: 'self-moves-without-rest',
    summary: 'rules and load move a VM that got to its node a moment ago',
    edits: [
      {
        file: 'src/core/decide/pinned.ts',
        find: "  return nowMs < dueMs ? 'it has not been where it is for long' : null;",
        replace: "  return nowMs < dueMs - 1e9 ? 'it has not been where it is for long' : null;",
      },
    ],
    expected: ['self-moves'],
    maxSeeds: 100,
    profile: 'agents',
  },
  {
    name: 'self-moves-beside-the-forbidden',
    summary: 'load is evened out onto nodes that a strict rule keeps a VM off',
    edits: [
      {
        file: 'src/core/placement/balance.ts',
        find: '  if (refusalOfUnit(unit, need, to, site) !== null) return false;',
        replace: '  if (refusalOfUnit(unit, need, to, site) === undefined) return false;',
      },
      {
        file: 'src/core/decide/moves.ts',
        find: '  if (vm.permit !== null) site.take(vm, vm.permit.node);',
        replace:
          "  if (move.cause === 'balance' && move.to !== null) return { kind: 'placed', node: move.to, because: 'rule', refused: [] };\n  if (vm.permit !== null) site.take(vm, vm.permit.node);",
      },
    ],
    expected: ['self-moves'],
    maxSeeds: 200,
    profile: 'agents',
  },
];
