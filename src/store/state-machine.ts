import { revision, type OperationId, type Revision } from '../core/model/ids.ts';
import type { Compare, KeyValue, Transaction, WatchBatch } from './store.ts';

type ApplyResult =
  | { readonly kind: 'committed'; readonly revision: Revision }
  /** One item per compare, in their order; null = absent. */
  | { readonly kind: 'refused'; readonly current: readonly (KeyValue | null)[] };

/** What a snapshot carries. History is left out: a watch from before it is `compacted`. */
export interface FrozenState {
  readonly revision: Revision;
  readonly items: readonly KeyValue[];
}

const operationsKept = 8;

/**
 * The replicated state of every driver: a revisioned map and its recent changes. Applying the same
 * transactions in the same order gives the same state on every member: nothing here depends on
 * time, chance or the history limit.
 */
export class StateMachine {
  readonly #items = new Map<string, KeyValue>();
  readonly #historyLimit: number;
  /** `#history[i]` is the batch of revision `#compacted + 1 + i`: each batch is one revision. */
  readonly #history: WatchBatch[] = [];
  #revision: number;
  #compacted: number;
  #sortedKeys: readonly string[] | null = null;

  /** `historyLimit`: how many revisions a watch can look back. */
  constructor(options: { readonly historyLimit: number; readonly from?: FrozenState }) {
    this.#historyLimit = options.historyLimit;
    for (const item of options.from?.items ?? []) this.#items.set(item.key, item);
    this.#revision = options.from?.revision ?? 0;
    this.#compacted = this.#revision;
  }

  get revision(): Revision {
    return revision(this.#revision);
  }

  /** Changes up to and including this revision can no longer be watched. */
  get compactedRevision(): Revision {
    return revision(this.#compacted);
  }

  get(key: string): KeyValue | null {
    return this.#items.get(key) ?? null;
  }

  /** All keys with the prefix, in the order of their UTF-16 code units. */
  list(prefix: string): readonly KeyValue[] {
    this.#sortedKeys ??= [...this.#items.keys()].sort();
    const keys = this.#sortedKeys;
    const found: KeyValue[] = [];
    for (let at = firstNotBefore(keys, prefix); at < keys.length; at += 1) {
      const key = keys[at];
      if (key === undefined || !key.startsWith(prefix)) break;
      const item = this.#items.get(key);
      if (item !== undefined) found.push(item);
    }
    return found;
  }

  /** Null when all compares hold, else the compared items as they are. */
  firstRefusal(compares: readonly Compare[]): readonly (KeyValue | null)[] | null {
    if (compares.every((compare) => this.#holds(compare))) return null;
    return compares.map((compare) => this.get(compare.key));
  }

  /**
   * Evaluates and applies one transaction. Writes take effect in their order, so a delete followed
   * by a put of the same key makes a new key with a new create revision. A transaction that changes
   * nothing commits at the current revision and makes no batch.
   */
  apply(transaction: Transaction): ApplyResult {
    const refusal = this.firstRefusal(transaction.compare);
    if (refusal !== null) return { kind: 'refused', current: refusal };
    const changes = this.#changesOf(transaction);
    if (changes.size > 0) this.#commit(changes);
    return { kind: 'committed', revision: this.revision };
  }

  /** The batch of one revision in (`compactedRevision`, `revision`]. */
  batchAt(at: number): WatchBatch {
    const batch = this.#history[at - this.#compacted - 1];
    if (batch === undefined) throw new RangeError(`no history at revision ${at}`);
    return batch;
  }

  /** Forgets the changes up to and including `upTo`. The items stay. */
  compact(upTo: number): void {
    const bound = Math.min(upTo, this.#revision);
    if (bound <= this.#compacted) return;
    this.#history.splice(0, bound - this.#compacted);
    this.#compacted = bound;
  }

  /** A copy that later writes do not touch. Items are immutable, so it costs one array. */
  freeze(): FrozenState {
    return { revision: this.revision, items: this.list('') };
  }

  #holds(compare: Compare): boolean {
    const item = this.#items.get(compare.key);
    const actual = compare.target === 'create' ? item?.createRevision : item?.modRevision;
    return (actual ?? 0) === compare.revision;
  }

  #changesOf(transaction: Transaction): Map<string, KeyValue | null> {
    const next = revision(this.#revision + 1);
    const changes = new Map<string, KeyValue | null>();
    for (const write of transaction.then) {
      const { key } = write;
      const changed = changes.get(key);
      const before = changed === undefined ? this.get(key) : changed;
      switch (write.kind) {
        case 'put':
          changes.set(key, {
            key,
            value: write.value,
            createRevision: before?.createRevision ?? next,
            modRevision: next,
            operations: withOperation(before?.operations ?? [], transaction.operation),
          });
          break;
        case 'delete':
          if (this.#items.has(key)) changes.set(key, null);
          else changes.delete(key);
          break;
      }
    }
    return changes;
  }

  #commit(changes: ReadonlyMap<string, KeyValue | null>): void {
    this.#revision += 1;
    const batch: { key: string; current: KeyValue | null }[] = [];
    for (const [key, current] of changes) {
      if (this.#items.has(key) !== (current !== null)) this.#sortedKeys = null;
      if (current === null) this.#items.delete(key);
      else this.#items.set(key, current);
      batch.push({ key, current });
    }
    this.#history.push({ revision: revision(this.#revision), changes: batch });
    // Cut in steps of an eighth, so that a write does not move the whole history each time.
    const slack = Math.floor(this.#historyLimit / 8);
    if (this.#history.length > this.#historyLimit + slack) {
      this.compact(this.#revision - this.#historyLimit);
    }
  }
}

function withOperation(
  before: readonly OperationId[],
  operation: OperationId,
): readonly OperationId[] {
  return [...before.filter((other) => other !== operation), operation].slice(-operationsKept);
}

function firstNotBefore(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
