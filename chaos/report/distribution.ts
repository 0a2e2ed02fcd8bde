import type { Recovery } from './inputs.ts';

/** How long something took, from counts per bucket. Times are ms. */
export interface Distribution {
  readonly total: number;
  /** Share of all, 0 to 1, that took no longer than each bound, from the first to the last in use. */
  readonly cumulative: readonly { readonly ms: number; readonly share: number }[];
  /** How many took longer than every bound. */
  readonly beyond: number;
}

export function distributionOf({
  bucketsMs,
  counts,
}: Pick<Recovery, 'bucketsMs' | 'counts'>): Distribution {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const beyond = counts[bucketsMs.length] ?? 0;
  const first = counts.findIndex((count) => count > 0);
  const last = counts.slice(0, bucketsMs.length).findLastIndex((count) => count > 0);
  if (total === beyond) return { total, cumulative: [], beyond };
  let sum = 0;
  const cumulative: { readonly ms: number; readonly share: number }[] = [
    { ms: first === 0 ? (bucketsMs[0] ?? 0) / 2 : (bucketsMs[first - 1] ?? 0), share: 0 },
  ];
  for (let index = first; index <= last; index += 1) {
    sum += counts[index] ?? 0;
    cumulative.push({ ms: bucketsMs[index] ?? 0, share: sum / total });
  }
  return { total, cumulative, beyond };
}

/** Of single times, above 0: a step up at each. */
export function distributionOfTimes(timesMs: readonly number[]): Distribution {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const total = sorted.length;
  const cumulative = sorted.flatMap((ms, index) => [
    { ms, share: index / total },
    { ms, share: (index + 1) / total },
  ]);
  return { total, cumulative, beyond: 0 };
}

/**
 * The bound of the bucket in which a share of all, 0 to 1, has happened: the true time is at most
 * this. Null when it lies beyond every bound, or nothing was counted.
 */
export function quantileMs({ cumulative }: Distribution, share: number): number | null {
  // Sums of shares are rounded: 0.1 + 0.2 > 0.3.
  return cumulative.find((point) => point.share > 0 && point.share >= share - 1e-9)?.ms ?? null;
}
