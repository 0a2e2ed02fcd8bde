/** First delay before a manager is dialled again, and the longest one, in ms. */
const firstMs = 250;
const longestMs = 5000;

/**
 * Delay before the next dial, in ms, after `failures` sessions in a row that never became healthy.
 * Doubles up to a cap and is spread over half to one and a half of that (`fraction` in [0, 1)), so
 * that the agents of a whole site do not come back in step (M12).
 */
export function redialDelayMs(failures: number, fraction: number): number {
  const step = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 16));
  return Math.round(step * (0.5 + fraction));
}
