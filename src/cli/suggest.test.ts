import { expect, test } from 'vitest';
import { closest } from './suggest.ts';

test.each([
  ['memroy', 'memory'],
  ['Memory', 'memory'],
  ['interface', 'interfaces'],
  ['priorty', 'priority'],
])('%s was meant to be %s', (typed, meant) => {
  expect(closest(typed, ['name', 'memory', 'interfaces', 'priority'])).toBe(meant);
});

test('what is near nothing is guessed to be nothing', () => {
  expect(closest('zebra', ['name', 'memory'])).toBeNull();
  expect(closest('x', ['cpus'])).toBeNull();
});
