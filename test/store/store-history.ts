import type { StoreOperation } from '../../chaos/checkers/linearizable.ts';
import { operationId } from '../../src/core/model/ids.ts';
import type { Store } from '../../src/store/store.ts';
import { modIs, put } from './conformance-tools.ts';

export interface History {
  readonly operations: readonly StoreOperation[];
  /** By how they ended. */
  readonly counts: Readonly<
    Record<'committed' | 'refused' | 'ambiguous' | 'read' | 'failed', number>
  >;
}

interface HistoryOptions {
  readonly clients: readonly Store[];
  readonly keys: readonly string[];
  /** Whether to go on. */
  readonly goOn: () => boolean;
  /** In [0, 1). */
  readonly fraction: () => number;
  /** Between two operations of one client. */
  readonly pause: () => Promise<void>;
}

/**
 * Lets every client read and compare-and-set random keys, and notes what it asked and was told. Each
 * client compares what it believes, so that compares hold about half the time.
 */
export async function recordHistory(options: HistoryOptions): Promise<History> {
  const operations: StoreOperation[] = [];
  const counts = { committed: 0, refused: 0, ambiguous: 0, read: 0, failed: 0 };
  const clients = options.clients.map((store, index) => async () => {
    const believed = new Map<string, number>();
    for (let count = 0; options.goOn(); count += 1) {
      const at = Math.floor(options.fraction() * options.keys.length);
      const key = options.keys[at] ?? '';
      const calledAt = performance.now();
      if (options.fraction() < 0.4) {
        try {
          const { item } = await store.get(key);
          const revision = item?.modRevision ?? 0;
          believed.set(key, revision);
          const action = { kind: 'read', value: item?.value ?? null, revision } as const;
          operations.push({ key, calledAt, answeredAt: performance.now(), action });
          counts.read += 1;
        } catch {
          counts.failed += 1;
        }
      } else {
        const expected = believed.get(key) ?? 0;
        const value = `${index}.${count}`;
        const outcome = await store.txn({
          operation: operationId(value),
          compare: [modIs(key, expected)],
          then: [put(key, value)],
        });
        counts[outcome.kind] += 1;
        const answeredAt = outcome.kind === 'ambiguous' ? null : performance.now();
        const revision = outcome.kind === 'committed' ? outcome.revision : null;
        if (revision !== null) believed.set(key, revision);
        const action = { kind: 'write', value, expected, revision } as const;
        // A write that never left says nothing about the key.
        const wasEvaluated = outcome.kind !== 'refused' || outcome.because === 'compare';
        if (wasEvaluated) operations.push({ key, calledAt, answeredAt, action });
        if (outcome.kind === 'refused' && outcome.because === 'compare') {
          believed.set(key, outcome.current[0]?.modRevision ?? 0);
        }
      }
      await options.pause();
    }
  });
  await Promise.all(clients.map((client) => client()));
  return { operations, counts };
}
