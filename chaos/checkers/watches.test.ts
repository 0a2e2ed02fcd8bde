import { expect, test } from 'vitest';
import type { Fact } from './history.ts';
import { groundOf } from './testing/facts.ts';
import { WatchChecker } from './watches.ts';

const written = (revision: number, key: string): Fact => ({
  kind: 'write',
  revision,
  key,
  text: null,
  value: null,
  ground: groundOf(),
});

const watched = (after: number, revision: number): Fact => ({
  kind: 'watched',
  client: 'w',
  prefix: 'p/',
  after,
  revision,
});

const history = [written(1, 'p/a'), written(2, 'q/a'), written(3, 'p/b'), written(5, 'p/a')];

function judge(...facts: readonly Fact[]): readonly string[] {
  const checker = new WatchChecker();
  return [...history, ...facts].flatMap((fact) => checker.take(fact));
}

test('a watch that shows each change of its prefix in order is fine', () => {
  expect(judge(watched(0, 1), watched(1, 3), watched(3, 5), watched(2, 3))).toEqual([]);
});

test('a change that was left out, told twice or never made is told', () => {
  expect(judge(watched(0, 3))).toEqual(['w was shown 3 of p/ after 0, without 1']);
  expect(judge(watched(1, 5))).toHaveLength(1);
  expect(judge(watched(3, 3))).toHaveLength(1);
  expect(judge(watched(1, 2))).toHaveLength(1);
});
