import { createHash } from 'node:crypto';
import { keyOf } from '../core/cluster-state.ts';
import type { ClusterEvent } from '../core/model/event.ts';
import type { FailoverRecord } from '../core/model/failover.ts';
import { operationId, type OperationId } from '../core/model/ids.ts';
import type { Change, NewEvent } from '../core/plan.ts';
import type { Env } from '../env/env.ts';
import {
  StoreUnavailable,
  type Compare,
  type Leadership,
  type Store,
  type Write,
} from '../store/store.ts';
import { encodeObject } from './object-codec.ts';
import { eventKey, keys } from './keys.ts';
import type { Mirror } from './mirror.ts';

/** Events kept in the store, and how many are let go at once when there are more. */
const keptEvents = 10_000;
const eventsPerTrim = 64;

/** Writes beside the objects, for example secrets and join tokens. */
export interface ExtraWrites {
  readonly puts?: readonly { readonly key: string; readonly value: string }[];
  readonly deletes?: readonly string[];
}

export type CommitOutcome =
  | { readonly kind: 'committed' }
  /** Not written. The mirror was loaded anew: decide again. */
  | { readonly kind: 'again' }
  /** The store takes no writes now, for example because its disk is full. */
  | { readonly kind: 'readOnly'; readonly because: string }
  /** Leadership is over. What became of the write is for the next leader to read. */
  | { readonly kind: 'lost' };

/**
 * Every write of a leader. Each transaction compares the leadership key, the objects it replaces,
 * and the `barrier` key, which it rewrites too. The barrier is what resolves an ambiguous answer:
 * a second write of it at the same revision settles whether the first can still happen (DESIGN
 * §2.4). One transaction at a time.
 */
export class LeaderWriter {
  readonly #env: Env;
  readonly #store: Store;
  readonly #leadership: Leadership;
  readonly #mirror: Mirror;
  readonly #nonce: string;
  #count = 0;

  constructor(options: { env: Env; store: Store; leadership: Leadership; mirror: Mirror }) {
    this.#env = options.env;
    this.#store = options.store;
    this.#leadership = options.leadership;
    this.#mirror = options.mirror;
    this.#nonce = options.env.random.uuid().slice(0, 8);
  }

  async commit(
    changes: readonly Change[],
    newEvents: readonly NewEvent[],
    extra: ExtraWrites = {},
  ): Promise<CommitOutcome> {
    if (!this.#leadership.isValid()) return { kind: 'lost' };
    const operation = this.#nextOperation();
    const sealed = await this.#seal(changes);
    // Nothing was sent: the leader decides again when the store answers.
    if (sealed === null) return { kind: 'readOnly', because: 'the store does not answer' };
    const events = this.#events(newEvents);
    const writes: Write[] = [
      { kind: 'put', key: keys.barrier, value: operation },
      ...sealed.changes.map((change) => writeOf(change)),
      ...events.map(({ key, event }) => ({
        kind: 'put' as const,
        key,
        value: JSON.stringify(event),
      })),
      ...(extra.puts ?? []).map((put) => ({ kind: 'put' as const, ...put })),
      ...(extra.deletes ?? []).map((key) => ({ kind: 'delete' as const, key })),
      ...this.#trim(events.length),
    ];
    if (sealed.chain !== null) writes.push({ kind: 'put', key: keys.chain, value: sealed.chain });
    const outcome = await this.#store.txn({
      operation,
      compare: [...this.#guards(), ...this.#compareObjects(sealed.changes)],
      then: writes,
    });
    switch (outcome.kind) {
      case 'committed': {
        const touched = writes.filter((write) => write.kind === 'put').map((write) => write.key);
        this.#mirror.apply(sealed.changes, touched, outcome.revision);
        this.#mirror.nextEvent += events.length;
        return { kind: 'committed' };
      }
      case 'refused':
        if (outcome.because === 'readOnly') return { kind: 'readOnly', because: outcome.detail };
        return this.#reload();
      case 'ambiguous':
        return this.#settle(operation, outcome.detail);
      default:
        return outcome satisfies never;
    }
  }

  #nextOperation(): OperationId {
    this.#count += 1;
    return operationId(`${this.#leadership.epoch}.${this.#nonce}.${this.#count}`);
  }

  #guards(): readonly Compare[] {
    return [
      { key: this.#leadership.key, target: 'create', revision: this.#leadership.createRevision },
      { key: keys.barrier, target: 'mod', revision: this.#mirror.revisionOf(keys.barrier) },
    ];
  }

  #compareObjects(changes: readonly Change[]): readonly Compare[] {
    return changes.map((change) => {
      const key = change.kind === 'put' ? keyOf(change.object) : change.key;
      return { key, target: 'mod', revision: this.#mirror.revisionOf(key) };
    });
  }

  /** Whether an unanswered write happened, and if not, that it never will. */
  async #settle(operation: OperationId, detail: string): Promise<CommitOutcome> {
    this.#env.log.warn({ operation, detail }, 'a write has no answer; its outcome is read back');
    const settling = this.#nextOperation();
    const outcome = await this.#store.txn({
      operation: settling,
      compare: this.#guards(),
      then: [{ kind: 'put', key: keys.barrier, value: settling }],
    });
    if (
      outcome.kind === 'ambiguous' ||
      (outcome.kind === 'refused' && outcome.because !== 'compare')
    ) {
      // Two in a row without an answer: whoever leads next reads what became of them.
      await this.#leadership.resign();
      return { kind: 'lost' };
    }
    return this.#reload(operation);
  }

  /** Reads everything anew; `operation` tells whether a write was among what is there. */
  async #reload(operation?: OperationId): Promise<CommitOutcome> {
    if (!this.#leadership.isValid()) return { kind: 'lost' };
    try {
      await this.#mirror.load(this.#store);
      if (operation === undefined) return { kind: 'again' };
      const barrier = await this.#store.get(keys.barrier);
      const happened = barrier.item?.operations.includes(operation) === true;
      return { kind: happened ? 'committed' : 'again' };
    } catch (error) {
      this.#env.log.error({ err: error }, 'the store does not answer; leadership is given up');
      await this.#leadership.resign();
      return { kind: 'lost' };
    }
  }

  #events(newEvents: readonly NewEvent[]): readonly { key: string; event: ClusterEvent }[] {
    const at = this.#env.clock.wallIso();
    return newEvents.map((event, index) => ({
      key: eventKey(this.#mirror.nextEvent + index),
      event: { kind: 'event', at, ...event },
    }));
  }

  #trim(added: number): readonly Write[] {
    const surplus = this.#mirror.nextEvent + added - this.#mirror.firstEvent - keptEvents;
    if (added === 0 || surplus < eventsPerTrim) return [];
    const first = this.#mirror.firstEvent;
    this.#mirror.firstEvent = first + eventsPerTrim;
    return Array.from({ length: eventsPerTrim }, (_, index) => ({
      kind: 'delete',
      key: eventKey(first + index),
    }));
  }

  /**
   * Chains each failover record that ends with this write to the one that ended before it. Null
   * when the end of the chain cannot be read now.
   */
  async #seal(
    changes: readonly Change[],
  ): Promise<{ readonly changes: readonly Change[]; readonly chain: string | null } | null> {
    if (!changes.some(endsFailover)) return { changes, chain: null };
    let chain: string;
    try {
      chain = (await this.#store.get(keys.chain)).item?.value ?? '';
    } catch (error) {
      if (error instanceof StoreUnavailable) return null;
      throw error;
    }
    const sealed = changes.map((change): Change => {
      if (!endsFailover(change)) return change;
      const object: FailoverRecord = { ...change.object, previousHash: chain, hash: null };
      chain = failoverHash(object);
      return { kind: 'put', object: { ...object, hash: chain } };
    });
    return { changes: sealed, chain };
  }
}

function endsFailover(
  change: Change,
): change is { readonly kind: 'put'; readonly object: FailoverRecord } {
  return (
    change.kind === 'put' &&
    change.object.kind === 'failover' &&
    change.object.outcome !== 'open' &&
    change.object.hash === null
  );
}

/** SHA-256 over the record without its own hash, keys in the order of the type, lower-case hex. */
export function failoverHash(record: FailoverRecord): string {
  return createHash('sha256')
    .update(JSON.stringify({ ...record, hash: null }))
    .digest('hex');
}

function writeOf(change: Change): Write {
  return change.kind === 'put'
    ? { kind: 'put', key: keyOf(change.object), value: encodeObject(change.object) }
    : { kind: 'delete', key: change.key };
}
