import { expect, test } from 'vitest';
import { OrderChecker } from './order.ts';
import { groundOf, judge, permit, vmRecord, write } from './testing/facts.ts';

const ground = groundOf({ 'node-1': 'boot-1' });
const owned = (token: number) => ({ ...permit('node-1', token), vm: 'first' });

const runs = (running: boolean, token = 1) =>
  ({
    kind: 'vmRuns',
    node: 'node-1',
    vm: 'first',
    permit: owned(token),
    running,
    ground,
  }) as const;

const asked = (token: number) =>
  ({
    kind: 'startAsked',
    node: 'node-1',
    permit: owned(token),
    boot: 'boot-1',
    boottimeMs: 0,
    stateFile: null,
    ground,
  }) as const;

const gate = { kind: 'delay', ms: 3000 };
const after = [{ vm: 'one', gate, timeoutMs: 60_000, onTimeout: 'continue' }];
const first = write('vm/first', vmRecord(null, { spec: { name: 'one', after: [] } }));
const second = { spec: { name: 'two', after } };
const waits = write('vm/second', vmRecord(null, second));
const starts = write(
  'vm/second',
  vmRecord(permit('node-1', 1), { ...second, operation: { kind: 'start' } }),
);

const created = [
  [0, first],
  [0, waits],
  [1000, asked(1)],
  [1500, runs(true)],
] as const;

test('V20: a VM that starts before the time of another is over is told', () => {
  const told = judge(new OrderChecker(), [...created, [3000, starts]]);
  expect(told).toEqual(['two starts although one is not ready (delay); it waited 0 ms']);
  expect(judge(new OrderChecker(), [...created, [4600, starts]])).toEqual([]);
});

test('a guest that stood still at a switch-over has been running since its boot', () => {
  const stood = [...created, [20_000, runs(false)], [28_000, runs(true)]] as const;
  expect(judge(new OrderChecker(), [...stood, [28_010, starts]])).toEqual([]);
});

test('a guest that was booted again runs since then, also where it ran', () => {
  const told = judge(new OrderChecker(), [
    ...created,
    [20_000, runs(false)],
    [27_000, asked(2)],
    [28_000, runs(true, 2)],
    [28_010, starts],
  ]);
  expect(told).toHaveLength(1);
});

test('a leader that cannot know yet that the other is gone counts its delay to the end', () => {
  const gone = [...created, [2500, runs(false)]] as const;
  expect(judge(new OrderChecker(), [...gone, [4600, starts]])).toEqual([]);
  expect(judge(new OrderChecker(), [...gone, [3000, starts]])).toHaveLength(1);
  expect(judge(new OrderChecker(), [...gone, [14_000, starts]])).toHaveLength(1);
});
