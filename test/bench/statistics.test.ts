import { expect, test } from 'vitest';
import { median, percentile, spread } from './statistics.ts';

test('the median of an even count lies between the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([3, 1, 2])).toBe(2);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNull();
});

test('p99 of fewer than a hundred is the largest', () => {
  expect(percentile([5, 1, 9], 0.99)).toBe(9);
  expect(
    percentile(
      Array.from({ length: 200 }, (_, index) => index),
      0.99,
    ),
  ).toBe(198);
  expect(percentile([], 0.99)).toBeNull();
});

test('a spread leaves out what was not seen', () => {
  expect(spread([2, null, 1, undefined, 6])).toEqual({ median: 2, min: 1, max: 6 });
  expect(spread([null, undefined])).toBeNull();
});
