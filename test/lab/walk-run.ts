import type { WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import type { ListedDomain } from './walk-compare.ts';
import { differences, doubles, listAll } from './walk-compare.ts';
import { drawStep, freeDisks, type WalkView } from './walk-verbs.ts';

export interface WalkReport {
  readonly seed: number;
  readonly operations: number;
  /** Steps that Kennel refused; each by its code. */
  readonly refused: number;
  readonly refusals: Readonly<Record<string, number>>;
  /** How often each verb was carried out. */
  readonly verbs: Readonly<Record<string, number>>;
  readonly violations: readonly {
    readonly step: number;
    readonly what: string;
    readonly text: string;
  }[];
  /** Times that the witness saw two writers of one disk. */
  readonly overlaps: number;
  /** From the answer to a step until libvirt and Kennel agreed, ms. */
  readonly settleMs: { readonly median: number; readonly longest: number };
  readonly wallMs: number;
}

/** A VM whose guest hears no shutdown is cut off after the grace, and a drain moves several of them. */
const patienceMs = 120_000;
const lookEveryMs = 150;

/** Numbers that look random and are the same each time (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * One verb after the other, drawn by the seed; which VM and node it meets depends on what became of those
 * before. After each, waits until libvirt's word and Kennel's are the same.
 */
export async function randomWalk(
  site: WatchedCluster,
  options: {
    readonly operations: number;
    readonly seed: number;
    readonly say: (line: string) => void;
    /** Ends it before its time; what was seen until then is reported. */
    readonly signal: AbortSignal;
  },
): Promise<WalkReport> {
  const { seed, say, signal } = options;
  const chance = numbers(seed);
  const begunMs = performance.now();
  const settled: number[] = [];
  const violations: { step: number; what: string; text: string }[] = [];
  const verbs = new Map<string, number>();
  const refusals = new Map<string, number>();
  let step = 0;
  while (step < options.operations && !signal.aborted) {
    step += 1;
    const { nodes, vms } = await site.status();
    const view: WalkView = {
      client: site.client,
      nodes,
      vms,
      free: freeDisks(site, vms),
      chance,
      pick: (choices) => choices[Math.floor(chance() * choices.length)],
      request: `walk-${seed}-${step}`,
    };
    const { what, run, verb } = drawStep(view);
    const outcome = await run();
    if (outcome.kind === 'problem') count(refusals, outcome.problem.code);
    else count(verbs, verb);
    const answeredMs = performance.now();
    const agreed = await agreement(site);
    const tookMs = Math.round(performance.now() - answeredMs);
    settled.push(tookMs);
    for (const text of agreed) violations.push({ step, what, text });
    const refusal = outcome.kind === 'problem' ? ` refused: ${outcome.problem.because}` : '';
    say(`${String(step).padStart(4)}  ${what}${refusal}: ${verdictOf(agreed)} after ${tookMs} ms`);
  }
  const overlaps = site.testimony().reduce((sum, one) => sum + one.overlaps.length, 0);
  const sorted = settled.toSorted((a, b) => a - b);
  return {
    seed,
    operations: step,
    refused: [...refusals.values()].reduce((sum, one) => sum + one, 0),
    refusals: Object.fromEntries(refusals),
    verbs: Object.fromEntries(verbs),
    violations,
    overlaps,
    settleMs: { median: sorted[Math.floor(sorted.length / 2)] ?? 0, longest: sorted.at(-1) ?? 0 },
    wallMs: Math.round(performance.now() - begunMs),
  };
}

const verdictOf = (problems: readonly string[]): string =>
  problems.length === 0 ? 'agreed' : problems.join('; ');

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Waits until the two agree; what still differs when patience is over, and every double run seen. */
async function agreement(site: WatchedCluster): Promise<readonly string[]> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    // Kennel first and last: what is listed between two same words of it is of the same instant.
    const before = await site.status();
    const domains: readonly ListedDomain[] = await listAll(site);
    const twice = doubles(domains).filter((text) => !isMigration(text));
    if (twice.length > 0) return twice;
    const open = differences(before, domains);
    if (open.length === 0) return [];
    if (performance.now() > deadlineMs) return open;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/** The target's copy stands still until its source has given it away. */
const isMigration = (text: string): boolean => /\(paused\)/.test(text);
