import { expect, test } from 'vitest';
import { ActionChecker } from './actions.ts';
import type { Fact, Ground } from './history.ts';

const ground: Ground = { boots: new Map(), liveOn: () => [], liveAt: () => [] };
const write = (request: string | null, token = 3): Fact => ({
  kind: 'write',
  revision: 1,
  key: 'vm/a',
  text: '',
  value: {
    permit: { vm: 'a', node: 'n1', incarnation: 'boot.1', token },
    action: request === null ? null : { request, verb: 'reset', token },
  },
  ground,
});
const acted = (change: Partial<Extract<Fact, { kind: 'acted' }>> = {}): Fact => ({
  kind: 'acted',
  node: 'n1',
  vm: 'a',
  verb: 'reset',
  token: 3,
  ...change,
});

test('what was asked for is done once, also late and under the permit of a newer agent', () => {
  const checker = new ActionChecker();
  expect(checker.take(write('r-1'))).toEqual([]);
  expect(checker.take(write(null))).toEqual([]);
  expect(checker.take(acted({ token: 4 }))).toEqual([]);
  expect(checker.take(acted())).toHaveLength(1);
});

test('on another node, under an older token, another verb, or unasked it is a violation', () => {
  for (const change of [
    { node: 'n2' },
    { token: 2 },
    { token: null },
    { verb: 'pause' },
    { vm: 'b' },
  ]) {
    const checker = new ActionChecker();
    checker.take(write('r-1'));
    expect(checker.take(acted(change))).toHaveLength(1);
  }
});

test('a lock that is for a call may not outlive it', () => {
  const checker = new ActionChecker();
  const locked = (operation: string | null): Fact => ({
    ...(write(null) as Extract<Fact, { kind: 'write' }>),
    value: {
      lock: { kind: 'snapshot', operation: 'act/a/r-1' },
      action: operation === null ? null : { operation },
    },
  });
  expect(checker.take(locked('act/a/r-1'))).toEqual([]);
  expect(checker.take(locked('act/a/r-2'))).toHaveLength(1);
  expect(checker.take(locked(null))).toHaveLength(1);
});
