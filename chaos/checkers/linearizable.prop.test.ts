import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isLinearizable, unlinearizableKeys } from './linearizable.ts';
import type { StoreAction, StoreOperation } from './linearizable.ts';

interface Cell {
  readonly value: string | null;
  readonly revision: number;
}

/** Every order of every subset of the unanswered ones, told in the plainest way there is. */
function bruteForce(operations: readonly StoreOperation[]): boolean {
  const revisions = [...new Set(operations.flatMap(revisionsIn))].sort((a, b) => a - b);
  const place = (left: readonly StoreOperation[], cell: Cell, top: number): boolean => {
    if (left.every((each) => each.answeredAt === null)) return true;
    return left.some((each) => {
      const rest = left.filter((other) => other !== each);
      const blocked = rest.some((other) => (other.answeredAt ?? Infinity) < each.calledAt);
      return (
        !blocked && outcomes(each, cell, top, revisions).some((o) => place(rest, o.cell, o.top))
      );
    });
  };
  return place(operations, { value: null, revision: 0 }, 0);
}

function revisionsIn({ action }: StoreOperation): readonly number[] {
  const own = action.kind === 'write' ? [action.revision, action.expected] : [action.revision];
  return own.filter((each): each is number => each !== null);
}

/** An unanswered write gets any revision that anybody speaks of, or one that nobody does. */
function outcomes(
  { action, answeredAt }: StoreOperation,
  cell: Cell,
  top: number,
  revisions: readonly number[],
): readonly { readonly cell: Cell; readonly top: number }[] {
  if (action.kind === 'read') {
    const same = action.value === cell.value && action.revision === cell.revision;
    return same ? [{ cell, top }] : [];
  }
  const { expected, value } = action;
  const holds = expected === null || expected === cell.revision;
  if (answeredAt !== null && action.revision === null) return holds ? [] : [{ cell, top }];
  if (!holds) return answeredAt === null ? [{ cell, top }] : [];
  const spoken = revisions.filter((each) => each > top);
  const candidates = answeredAt === null ? [...spoken, top + 0.001] : [action.revision ?? -1];
  return candidates
    .filter((each) => each > top)
    .map((revision) => ({ cell: { value, revision }, top: revision }));
}

const value = fc.constantFrom('a', 'b');
const small = fc.integer({ min: 0, max: 3 });
const action: fc.Arbitrary<StoreAction> = fc.oneof(
  fc.record({ kind: fc.constant('read' as const), value: fc.option(value), revision: small }),
  fc.record({
    kind: fc.constant('write' as const),
    value,
    expected: fc.option(small),
    revision: fc.option(fc.integer({ min: 1, max: 3 })),
  }),
);
const operation: fc.Arbitrary<StoreOperation> = fc
  .record({
    action,
    calledAt: fc.integer({ min: 0, max: 6 }),
    lasts: fc.integer({ min: 1, max: 4 }),
    isAnswered: fc.boolean(),
  })
  .map(({ action: done, calledAt, lasts, isAnswered }) => ({
    key: 'k',
    action: isAnswered || done.kind === 'read' ? done : { ...done, revision: null },
    calledAt,
    answeredAt: isAnswered || done.kind === 'read' ? calledAt + lasts : null,
  }));

test('the search agrees with brute force on random small histories', () => {
  let linearizable = 0;
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 4 }), (history) => {
      const expected = bruteForce(history);
      if (expected) linearizable += 1;
      expect(isLinearizable(history)).toBe(expected);
    }),
    { numRuns: 400 },
  );
  expect(linearizable).toBeGreaterThan(10);
});

const write = (
  at: number,
  end: number | null,
  fields: Partial<Extract<StoreAction, { kind: 'write' }>>,
): StoreOperation => ({
  key: 'k',
  calledAt: at,
  answeredAt: end,
  action: { kind: 'write', value: 'a', expected: null, revision: null, ...fields },
});
const read = (at: number, end: number, seen: string | null, revision: number): StoreOperation => ({
  key: 'k',
  calledAt: at,
  answeredAt: end,
  action: { kind: 'read', value: seen, revision },
});

test('a stale read, a lost write and two winners of one compare are seen', () => {
  const first = write(0, 1, { revision: 1 });
  expect(isLinearizable([first, read(2, 3, 'a', 1)])).toBe(true);
  expect(isLinearizable([first, read(2, 3, null, 0)])).toBe(false);
  const winners = [1, 2].map((revision) => write(0, 5, { expected: 0, revision }));
  expect(isLinearizable(winners)).toBe(false);
});

test('a write without an answer may show late or never, and only once', () => {
  const lost = write(0, null, { value: 'b' });
  expect(isLinearizable([lost, read(4, 5, 'b', 7)])).toBe(true);
  expect(isLinearizable([lost, read(4, 5, null, 0)])).toBe(true);
  expect(isLinearizable([lost, read(1, 2, 'b', 7), read(4, 5, null, 0)])).toBe(false);
});

test('keys are judged apart, and the bad one is named', () => {
  const other = { ...read(2, 3, 'x', 9), key: 'other' };
  expect(unlinearizableKeys([write(0, 1, { revision: 1 }), read(2, 3, 'a', 1), other])).toEqual([
    'other',
  ]);
});
