import { expect, test } from 'vitest';
import { unexplainedNames, type NameOperation } from './name-register.ts';

const done = (
  calledAt: number,
  answeredAt: number | null,
  action: NameOperation['action'],
): NameOperation => ({ name: 'n', calledAt, answeredAt, action });
const take = (id: string, isRefused = false) => ({ kind: 'take', id, isRefused }) as const;
const look = (id: string | null) => ({ kind: 'look', id }) as const;
const free = (id: string | null) => ({ kind: 'free', id }) as const;
const broken = (...operations: readonly NameOperation[]) => unexplainedNames(operations).length > 0;

test('what happened in order is explained', () => {
  const history = [
    done(1, 2, take('a')),
    done(3, 4, take('b', true)),
    done(5, 6, look('a')),
    done(7, 8, free('a')),
    done(9, 10, free(null)),
    done(11, 12, look(null)),
  ];
  expect(broken(...history)).toBe(false);
});

test('an acknowledged write that nobody sees afterwards is not', () => {
  expect(broken(done(1, 2, take('a')), done(3, 4, look(null)))).toBe(true);
});

test('two that were both given the name are not', () => {
  expect(broken(done(1, 4, take('a')), done(2, 3, take('b')))).toBe(true);
});

test('a look at what was before is not, once somebody has seen what is now', () => {
  const history = [done(1, 9, take('a')), done(2, 3, look('a')), done(4, 5, look(null))];
  expect(broken(...history)).toBe(true);
});

test('what was not answered may have happened, late or never', () => {
  const lost = done(1, null, take('a'));
  expect(broken(lost, done(2, 3, look(null)), done(4, 5, look('a')))).toBe(false);
  expect(broken(lost, done(2, 3, take('b')), done(4, 5, look('b')))).toBe(false);
  expect(broken(lost, done(2, 3, look('a')), done(4, 5, look(null)))).toBe(true);
});

test('freeing without an answer explains that the name is free, and that it is not', () => {
  const taken = done(1, 2, take('a'));
  const freed = done(3, null, free(null));
  expect(broken(taken, freed, done(4, 5, look('a')), done(6, 7, look(null)))).toBe(false);
  expect(broken(taken, freed, done(4, 5, look(null)), done(6, 7, look('a')))).toBe(true);
});
