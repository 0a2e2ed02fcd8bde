import { expect, test } from 'vitest';
import { operationId, revision } from '../core/model/ids.ts';
import { claimTransaction, epochOf, leaderKey, resignTransaction } from './leadership-key.ts';
import { StateMachine } from './state-machine.ts';

const operation = operationId('o');

function claim(machine: StateMachine, candidate: string): number {
  machine.apply(claimTransaction(machine.get(leaderKey), candidate, operation));
  return machine.get(leaderKey)?.createRevision ?? 0;
}

test('each claim makes a new create revision, so the epoch grows without a gap in between', () => {
  const machine = new StateMachine({ historyLimit: 10 });
  const first = claim(machine, 'a');
  const second = claim(machine, 'b');
  expect([first, second]).toEqual([1, 2]);
  expect(epochOf(revision(second))).toBeGreaterThan(epochOf(revision(first)));
});

test('of two claims from the same reading only one is taken', () => {
  const machine = new StateMachine({ historyLimit: 10 });
  claim(machine, 'a');
  const seen = machine.get(leaderKey);
  expect(machine.apply(claimTransaction(seen, 'b', operation)).kind).toBe('committed');
  expect(machine.apply(claimTransaction(seen, 'c', operation)).kind).toBe('refused');
});

test('a resignation ends its own leadership and no later one', () => {
  const machine = new StateMachine({ historyLimit: 10 });
  const first = revision(claim(machine, 'a'));
  const second = revision(claim(machine, 'b'));
  expect(machine.apply(resignTransaction(first, operation)).kind).toBe('refused');
  expect(machine.get(leaderKey)?.createRevision).toBe(second);
  expect(machine.apply(resignTransaction(second, operation)).kind).toBe('committed');
  expect(machine.get(leaderKey)).toBeNull();
});
