import { operationId } from '../../src/core/model/ids.ts';
import type { Store } from '../../src/store/store.ts';
import { percentile } from './statistics.ts';

/** What one load made of a store. Latencies in ms, from the call to the acknowledgement. */
export interface Load {
  readonly writers: number;
  readonly writes: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** About the size of a VM's record. */
const value = JSON.stringify({ filler: 'x'.repeat(240) });

let operations = 0;

/** One write; resolves when it is acknowledged. False when it was not committed. */
export async function write(store: Store, key: string): Promise<boolean> {
  operations += 1;
  const outcome = await store.txn({
    operation: operationId(`bench-${process.pid}-${operations}`),
    compare: [],
    then: [{ kind: 'put', key, value }],
  });
  return outcome.kind === 'committed';
}

/**
 * `writers` that each write to a key of their own, one write after the other, for `durationMs` after
 * a tenth of that to warm up. Throws when a write is not committed.
 */
export async function load(store: Store, writers: number, durationMs: number): Promise<Load> {
  const beginMs = performance.now() + durationMs / 10;
  const endMs = beginMs + durationMs;
  const latencies: number[] = [];
  const writeOn = async (key: string): Promise<void> => {
    for (;;) {
      const sentMs = performance.now();
      if (sentMs >= endMs) return;
      if (!(await write(store, key))) throw new Error(`a write to ${key} was not committed`);
      const nowMs = performance.now();
      if (sentMs >= beginMs && nowMs < endMs) latencies.push(nowMs - sentMs);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, index) => writeOn(`bench/${index}`)));
  return {
    writers,
    writes: latencies.length,
    perSecond: Math.round((latencies.length * 1000) / durationMs),
    p50Ms: rounded(percentile(latencies, 0.5)),
    p99Ms: rounded(percentile(latencies, 0.99)),
  };
}

const rounded = (ms: number | null): number => Math.round((ms ?? 0) * 1000) / 1000;
