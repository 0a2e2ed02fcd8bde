import type { Mutant } from './mutant.ts';

const actions = 'src/core/decide/actions.ts';

/** Defects in what is done to guests: to whom, and how often. */
export const verbMutants: readonly Mutant[] = [
  {
    name: 'action-follows-the-vm',
    summary: 'what was asked of one owner of a VM is asked of the next one too',
    edits: [
      {
        file: actions,
        find: "  if (vm.permit?.token !== vm.action?.token) return unknown('it got another permit meanwhile');\n  return vm.phase === 'running' ? null : unknown(`it is ${vm.phase} by now`);",
        replace: "  return vm.desired === 'running' ? null : unknown('it is off');",
      },
    ],
    expected: ['actions'],
    maxSeeds: 400,
    profile: null,
  },
  {
    name: 'action-kept-after-answer',
    summary: 'an action of which nobody knows whether it worked is asked for again',
    edits: [
      {
        file: actions,
        find: 'draft.put(afterAction(withActed(vm, acted), action, acted.outcome));',
        replace:
          "draft.put({ ...afterAction(withActed(vm, acted), action, acted.outcome), action: acted.outcome === 'unknown' ? { ...action, operation: operationId(`${action.operation}+`) } : null });",
      },
    ],
    expected: ['actions'],
    maxSeeds: 400,
    profile: null,
  },
  {
    name: 'lock-outlives-its-call',
    summary: 'a VM stays locked for a snapshot that is made, or of which nobody knows',
    edits: [
      {
        file: 'src/core/decide/snapshots.ts',
        find: '...(isItsLock ? { lock: null } : {})',
        replace: "...(isItsLock && outcome === 'failed' ? { lock: null } : {})",
      },
    ],
    expected: ['actions'],
    maxSeeds: 200,
    profile: null,
  },
];
