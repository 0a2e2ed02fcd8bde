/** The middle of some numbers in ascending order, or the mean of the two in the middle. */
export function median(ascending: readonly number[]): number | null {
  const sorted = [...ascending].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  if (upper === undefined) return null;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? upper;
  return rounded((lower + upper) / 2);
}

/** The number below which that share of them lies; the largest one when they are few. */
export function percentile(numbers: readonly number[], share: number): number | null {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median and range of what was seen; null when nothing was. */
export function spread(values: readonly (number | null | undefined)[]): Spread | null {
  const seen = values.filter((value) => typeof value === 'number');
  const middle = median(seen);
  if (middle === null) return null;
  return { median: middle, min: Math.min(...seen), max: Math.max(...seen) };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
