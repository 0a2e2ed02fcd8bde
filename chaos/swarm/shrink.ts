import type { Scenario } from './scenario.ts';

/** How often a shorter run may be tried before the shortest so far is taken. */
const maxRuns = 400;

/**
 * The shortest part of a scenario that still breaks the same rule: leaves out faults and client
 * calls in ever smaller pieces (delta debugging), then ends the run where the rule is broken.
 * `breaksAtMs` runs a scenario and tells when the rule was broken; null = it was not.
 */
export async function shrink(
  scenario: Scenario,
  breaksAtMs: (scenario: Scenario) => Promise<number | null>,
): Promise<Scenario> {
  let runs = 0;
  let best = scenario;
  const isWorse = async (candidate: Scenario): Promise<boolean> => {
    runs += 1;
    return runs <= maxRuns && (await breaksAtMs(candidate)) !== null;
  };
  const faults = await fewest(best.faults, (left) => isWorse({ ...best, faults: left }));
  best = { ...best, faults };
  const workload = await fewest(best.workload, (left) => isWorse({ ...best, workload: left }));
  best = { ...best, workload };
  for (const rates of [{}, best.rates]) {
    if (await isWorse({ ...best, rates })) {
      best = { ...best, rates };
      break;
    }
  }
  const atMs = await breaksAtMs(best);
  const isLate = atMs === null || atMs >= best.faultsMs;
  if (isLate) return best;
  const shorter = { ...best, faultsMs: Math.ceil(atMs) + 1 };
  return (await isWorse(shorter)) ? shorter : best;
}

/** The smallest list found for which `holds` is true, taking it that it is for the whole. */
async function fewest<T>(
  all: readonly T[],
  holds: (left: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let left = all;
  let pieces = 2;
  while (left.length > 0) {
    const size = Math.ceil(left.length / pieces);
    let found: readonly T[] | null = null;
    for (let from = 0; from < left.length && found === null; from += size) {
      const without = [...left.slice(0, from), ...left.slice(from + size)];
      if (await holds(without)) found = without;
    }
    if (found !== null) {
      left = found;
      pieces = Math.max(2, pieces - 1);
    } else if (size <= 1) {
      return left;
    } else {
      pieces = Math.min(left.length, pieces * 2);
    }
  }
  return left;
}
