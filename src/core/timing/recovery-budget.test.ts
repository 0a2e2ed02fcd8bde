import { expect, test } from 'vitest';
import type { FenceLevel } from '../model/node.ts';
import { profiles } from '../model/settings.ts';
import { leastLevelBudgetMs, levelProblem, recoveryBudget } from './recovery-budget.ts';

const device = (id: string, settleMs = 2000) => ({
  id,
  driver: 'test',
  settings: {},
  identity: null,
  settleMs,
  outlet: id,
});
const bmc: FenceLevel = { devices: [device('bmc')] };
const pdus: FenceLevel = {
  devices: [device('pdu-a'), device('pdu-b', 5000)],
  budgetMs: 60_000,
  delayMs: 3000,
};

test('without a level nothing bounds the recovery', () => {
  const budget = recoveryBudget([], profiles.default);
  expect(budget).toMatchObject({ levels: [], usualMs: null, worstMs: null });
});

test('the worst case is detection, every level to its end, the last settle time and the start', () => {
  const budget = recoveryBudget([bmc, pdus], profiles.default);
  expect(budget.detectMs).toBe(3500);
  expect(budget.usualMs).toBe(3500 + 2000 + 10_000);
  expect(budget.worstMs).toBe(3500 + 45_000 + 3000 + 60_000 + 5000 + 10_000);
  expect(budget.levels.map(({ settleMs }) => settleMs)).toEqual([2000, 5000]);
});

test('N2: a node that fences itself is proven by time, whatever its devices do', () => {
  const watchdog = {
    identity: 'i6300ESB timer',
    strength: 'strong',
    timeoutMs: 5000,
    measuredMs: 5100,
    nowayout: true,
    pretimeoutMs: 0,
    held: true,
  } as const;
  // (6 + 3 + 2 * 5.1) * 1.01 + 4 s, and the start.
  const ms = Math.ceil(19_200 * 1.01 + 4000) + 10_000;
  expect(recoveryBudget([], profiles.default, watchdog)).toMatchObject({ worstMs: ms });
  expect(recoveryBudget([bmc, pdus], profiles.default, watchdog).worstMs).toBe(ms);
  const alone = recoveryBudget([], profiles.default, { ...watchdog, held: false });
  expect(alone.selfFenceMs).toBe(ms + Math.round(5100 * 1.01));
});

test('O8: a level that is too short for a slow device is refused, with the time that it needs', () => {
  const least = leastLevelBudgetMs(bmc);
  expect(levelProblem({ ...bmc, budgetMs: least })).toBeNull();
  expect(levelProblem({ ...bmc, budgetMs: least - 1 })).toContain(`${least} ms`);
  expect(levelProblem({ devices: [device('bmc', 40_000)] })).toContain('68000 ms');
});
