import { createHash } from 'node:crypto';
import { keyOf } from '../core/cluster-state.ts';
import type { ClusterEvent } from '../core/model/event.ts';
import type { FailoverRecord } from '../core/model/failover.ts';
import { operationId, type OperationId } from '../core/model/ids.ts';
import type { Asked, Change, NewEvent } from '../core/plan.ts';
import type { Env } from '../env/env.ts';
import {
  StoreUnavailable,
  type Compare,
  type Leadership,
  type Store,
  type Write,
  type WriteOutcome,
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
  /** In whose name; kept with each event. */
  readonly asked?: Asked;
}

export type CommitOutcome =
  | { readonly kind: 'committed' }
  /** Not written. The mirror was loaded anew: decide again. */
  | { readonly kind: 'again' }
  /**
   * Not written, and to send it again at once would not help. `readOnly`: the store takes no writes
   * now, for example because its disk is full.
   */
  | { readonly kind: 'notTaken'; readonly readOnly: boolean; readonly because: string }
  /** Leadership is over. `unknown`: what became of the write is for the next leader to read. */
  | { readonly kind: 'lost'; readonly written: 'no' | 'unknown' };

/** Changes with their failover records sealed, and the new end of the chain; null = as it was. */
interface Sealed {
  readonly changes: readonly Change[];
  readonly chain: string | null;
}

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

  /**
   * Writes changes, events and `extra` in one transaction, or nothing of them. An unanswered write is
   * settled before this resolves.
   */
  async commit(
    changes: readonly Change[],
    newEvents: readonly NewEvent[],
    extra: ExtraWrites = {},
  ): Promise<CommitOutcome> {
    if (!this.#leadership.isValid()) return { kind: 'lost', written: 'no' };
    const operation = this.#nextOperation();
    const sealed = await this.#seal(changes);
    if (sealed === null) return notTaken('the store does not answer');
    const writes = this.#writes(operation, sealed, newEvents, extra);
    const outcome = await this.#store.txn({
      operation,
      compare: [...this.#guards(), ...this.#compareObjects(sealed.changes)],
      then: writes,
    });
    switch (outcome.kind) {
      case 'committed':
        this.#mirror.apply(sealed.changes, writes, outcome.revision);
        return { kind: 'committed' };
      case 'refused':
        return this.#refused(outcome);
      case 'ambiguous':
        return this.#settle(operation, outcome.detail);
      default:
        return outcome satisfies never;
    }
  }

  #writes(
    operation: OperationId,
    { changes, chain }: Sealed,
    newEvents: readonly NewEvent[],
    extra: ExtraWrites,
  ): readonly Write[] {
    const writes: Write[] = [
      { kind: 'put', key: keys.barrier, value: operation },
      ...changes.map(writeOf),
      ...this.#eventWrites(newEvents, extra.asked),
      ...(extra.puts ?? []).map((put) => ({ kind: 'put' as const, ...put })),
      ...(extra.deletes ?? []).map((key) => ({ kind: 'delete' as const, key })),
      ...this.#trim(newEvents.length),
    ];
    if (chain !== null) writes.push({ kind: 'put', key: keys.chain, value: chain });
    return writes;
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

  async #refused(outcome: Extract<WriteOutcome, { kind: 'refused' }>): Promise<CommitOutcome> {
    if (outcome.because !== 'compare') {
      return notTaken(outcome.detail, outcome.because === 'readOnly');
    }
    // The first compare is the leadership's own: it tells a deposed leader that it is one.
    if (outcome.current[0]?.createRevision === this.#leadership.createRevision) {
      return this.#reload();
    }
    this.#env.log.warn({}, 'another leader was elected; this one steps down');
    return this.#stepDown('no');
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
    const settled =
      outcome.kind === 'committed' ||
      (outcome.kind === 'refused' &&
        outcome.because === 'compare' &&
        outcome.current[0]?.createRevision === this.#leadership.createRevision);
    return settled ? this.#reload(operation) : this.#stepDown('unknown');
  }

  /** Reads everything anew. `operation`: the unanswered write that is looked for in it. */
  async #reload(operation?: OperationId): Promise<CommitOutcome> {
    const written = operation === undefined ? 'no' : 'unknown';
    if (!this.#leadership.isValid()) return { kind: 'lost', written };
    try {
      await this.#mirror.load(this.#store);
      if (operation === undefined) return { kind: 'again' };
      const barrier = await this.#store.get(keys.barrier);
      const happened = barrier.item?.operations.includes(operation) === true;
      return { kind: happened ? 'committed' : 'again' };
    } catch (error) {
      this.#env.log.error({ err: error }, 'the store does not answer; leadership is given up');
      return this.#stepDown(written);
    }
  }

  async #stepDown(written: 'no' | 'unknown'): Promise<CommitOutcome> {
    await this.#leadership.resign();
    return { kind: 'lost', written };
  }

  #eventWrites(newEvents: readonly NewEvent[], asked: Asked | undefined): readonly Write[] {
    const at = this.#env.clock.wallIso();
    const { by = null, reason = null } = asked ?? {};
    return newEvents.map((newEvent, index) => {
      const event: ClusterEvent = { kind: 'event', at, by, reason, ...newEvent };
      const key = eventKey(this.#mirror.nextEvent + index);
      return { kind: 'put', key, value: JSON.stringify(event) };
    });
  }

  /** Lets the oldest events go, many at once, when there are too many. */
  #trim(added: number): readonly Write[] {
    const { firstEvent, nextEvent } = this.#mirror;
    const surplus = nextEvent + added - firstEvent - keptEvents;
    if (added === 0 || surplus < eventsPerTrim) return [];
    return Array.from({ length: eventsPerTrim }, (_, index) => ({
      kind: 'delete',
      key: eventKey(firstEvent + index),
    }));
  }

  /**
   * Chains each failover record that ends with this write to the one that ended before it. Null
   * when the end of the chain cannot be read now.
   */
  async #seal(changes: readonly Change[]): Promise<Sealed | null> {
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

/** SHA-256 over the record as it is stored, with null for its own hash; lower-case hex. */
function failoverHash(record: FailoverRecord): string {
  return createHash('sha256')
    .update(JSON.stringify({ ...record, hash: null }))
    .digest('hex');
}

function notTaken(because: string, readOnly = false): CommitOutcome {
  return { kind: 'notTaken', readOnly, because };
}

function writeOf(change: Change): Write {
  return change.kind === 'put'
    ? { kind: 'put', key: keyOf(change.object), value: encodeObject(change.object) }
    : { kind: 'delete', key: change.key };
}
