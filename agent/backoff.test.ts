import { expect, test } from 'vitest';
import { redialDelayMs } from './backoff.ts';

test('the delay doubles with each failure up to a cap', () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 1000].map((failures) => redialDelayMs(failures, 0.5));
  expect(delays).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
});

test('M12: agents that fail together come back spread over the length of the delay', () => {
  expect(redialDelayMs(4, 0)).toBe(2000);
  expect(redialDelayMs(4, 0.999)).toBe(5996);
});
