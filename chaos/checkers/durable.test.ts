import { expect, test } from 'vitest';
import { DurableChecker } from './durable.ts';
import type { Fact } from './history.ts';
import { groundOf } from './testing/facts.ts';

const written = (revision: number, key: string, text: string | null): Fact => ({
  kind: 'write',
  revision,
  key,
  text,
  value: null,
  ground: groundOf(),
});

const reopened = (
  revision: number,
  items: Readonly<Record<string, readonly [text: string, revision: number]>>,
): Fact => ({
  kind: 'storeReopened',
  revision,
  items: new Map(
    Object.entries(items).map(([key, [text, at]]) => [key, { text, revision: at }] as const),
  ),
});

function judge(...facts: readonly Fact[]): readonly string[] {
  const checker = new DurableChecker();
  return facts.flatMap((fact) => checker.take(fact));
}

const history = [written(1, 'a', 'one'), written(2, 'b', 'two'), written(3, 'b', null)];

test('a store that comes back as it was, or with a write more, is fine', () => {
  expect(judge(...history, reopened(3, { a: ['one', 1] }))).toEqual([]);
  expect(judge(...history, reopened(4, { a: ['four', 4] }))).toEqual([]);
  expect(judge(...history, reopened(4, { a: ['one', 1], b: ['four', 4] }))).toEqual([]);
});

test('a lost, a changed and a resurrected key are told', () => {
  expect(judge(...history, reopened(3, {}))).toHaveLength(1);
  expect(judge(...history, reopened(3, { a: ['uno', 1] }))).toHaveLength(1);
  expect(judge(...history, reopened(3, { a: ['one', 1], b: ['two', 2] }))).toHaveLength(1);
});

test('a store that forgot its last writes is told, once', () => {
  expect(judge(...history, reopened(1, { a: ['one', 1] }))).toEqual([
    'the store came back at revision 1, it had shown 3',
  ]);
});
