import type { Mutant } from './mutant.ts';

/** Defects in the order of starts and in the care for guests. */
export const orderMutants: readonly Mutant[] = [
  {
    name: 'order-ignored',
    summary: 'a VM starts whether those that it depends on are ready or not',
    edits: [
      {
        file: 'src/core/order/wait.ts',
        find: '  if (closed.length === 0) return false;',
        replace: '  if (closed.length >= 0) return false;',
      },
    ],
    expected: ['order'],
    maxSeeds: 60,
    profile: 'agents',
  },
  {
    name: 'order-gate-is-running',
    summary: 'a VM whose process runs counts as ready, whatever its gate asks',
    edits: [
      {
        file: 'src/core/order/gates.ts',
        find: "      return checks?.[checkKey(gate)] === 'passing';",
        replace: '      return checkKey(gate) !== "" || checks !== undefined;',
      },
    ],
    expected: ['order'],
    maxSeeds: 150,
    profile: 'agents',
  },
  {
    name: 'order-timeout-at-once',
    summary: 'the time for which another is waited for is over as soon as it began',
    edits: [
      {
        file: 'src/core/order/wait.ts',
        find: '  return nowMs >= dueMs;',
        replace: '  return nowMs >= dueMs - timeoutMs;',
      },
    ],
    expected: ['order'],
    maxSeeds: 60,
    profile: 'agents',
  },
  {
    name: 'order-hold-lets-go',
    summary: 'a VM that is to be held when its time is over starts all the same',
    edits: [
      {
        file: 'src/core/order/wait.ts',
        find: "one.onTimeout === 'hold' || !overdue.includes(one)",
        replace: '!overdue.includes(one)',
      },
    ],
    expected: ['order'],
    maxSeeds: 800,
    profile: 'agents',
  },
  {
    name: 'pending-means-ill',
    summary: 'a guest that has not answered yet since its start is restarted as ill',
    edits: [
      {
        file: 'src/core/decide/guest-policy.ts',
        find: "  if (healthOf(vm, domain) !== 'ill' || isNodesTrouble(draft, node)) return false;",
        replace:
          "  if (healthOf(vm, domain) === 'passing' || isNodesTrouble(draft, node)) return false;",
      },
    ],
    expected: ['health', 'liveness'],
    maxSeeds: 60,
    profile: 'agents',
  },
];
