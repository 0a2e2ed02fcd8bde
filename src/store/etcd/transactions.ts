import { revision, type OperationId, type Revision } from '../../core/model/ids.ts';
import type { Clock } from '../../env/env.ts';
import { transactionProblem } from '../command.ts';
import {
  StoreUnavailable,
  type Compare,
  type KeyValue,
  type Transaction,
  type WriteOutcome,
} from '../store.ts';
import { isLeadershipKey } from './candidate-key.ts';
import { finalWrites, type FinalWrite } from './final-writes.ts';
import type { Keyspace } from './keyspace.ts';
import type { KnownItems } from './known-items.ts';
import type { Kv, Snapshot } from './kv.ts';
import { compareTarget, type WireCompare, type WireRequestOp } from './rpc/messages.ts';
import { isOutOfSpace, messageOf, RpcFailed } from './rpc/rpc-failed.ts';
import {
  afterPut,
  encodeStored,
  ForeignValue,
  keyValueOf,
  type KnownItem,
  type StoredItem,
} from './stored-value.ts';

interface TransactionsOptions {
  readonly kv: Kv;
  readonly keyspace: Keyspace;
  readonly known: KnownItems;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly deadlineMs: number;
  /** A server said that its space is used up. */
  readonly onOutOfSpace: () => void;
}

/** etcd's default `--max-txn-ops`: of compares, of writes, and of what is read on failure. */
const maxOps = 128;
/** Operations in one transaction within a large one. Together with their number below `maxOps`. */
const opsPerPart = 64;
/** Below etcd's default `--max-request-bytes` of 1.5 MiB. */
const maxBytes = 1_400_000;
/** A mod revision that no key has. */
const never = Number.MAX_SAFE_INTEGER;

type Attempt =
  | { readonly kind: 'done'; readonly outcome: WriteOutcome }
  /** Not committed, and not because of the caller's compares: what was believed is out of date. */
  | { readonly kind: 'stale' };

/**
 * Transactions as the store promises them, made of etcd's.
 *
 * The operation ids of a key's earlier writes are part of its value, so a write has to know what it
 * replaces. What is known comes from earlier reads and writes; a key of which nothing is known is
 * taken for absent. Every key written is *pinned*: the transaction compares its mod revision with the
 * one that the belief goes with. When a compare fails, the same transaction reads all keys
 * concerned, and the caller's own compares are evaluated on that: if one of them does not hold, the
 * write was refused. If all do, only our pin was out of date: nothing was written, the belief
 * is corrected, and the transaction is built anew. An attempt follows only on an answer that says
 * that the one before had no effect; after anything else the outcome is `ambiguous`.
 *
 * A transaction beyond etcd's limit of operations compares one key for all: `turn`, which every
 * transaction that writes also writes. When the turn has not moved since a snapshot was read, nothing in
 * the snapshot has, so the compares are evaluated on the snapshot. Keys under a lease are the only
 * ones that go without a turn, so the leadership is always compared by itself.
 */
export class Transactions {
  readonly #options: TransactionsOptions;
  /** The end of the queue of each key that is being written: one caller's writes keep their order. */
  readonly #tails = new Map<string, Promise<void>>();

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  async run(transaction: Transaction): Promise<WriteOutcome> {
    const problem = transactionProblem(transaction);
    if (problem !== null) return notSent(problem);
    const untilMs = this.#options.clock.monotonicMs() + this.#options.deadlineMs;
    const leave = await this.#takeTurns(transaction);
    try {
      return await this.#untilSettled(transaction, untilMs);
    } finally {
      leave();
    }
  }

  async #untilSettled(transaction: Transaction, untilMs: number): Promise<WriteOutcome> {
    const plan: Plan = { ...transaction, writes: finalWrites(transaction.then) };
    let believes = this.#mayBelieve(plan);
    for (;;) {
      if (this.#options.clock.monotonicMs() >= untilMs) {
        return notSent('no time was left to send it: others write the same keys');
      }
      const attempt = await this.#attempt(plan, believes, untilMs);
      if (attempt.kind === 'done') return attempt.outcome;
      believes = this.#mayBelieve(plan);
    }
  }

  async #attempt(plan: Plan, believes: boolean, untilMs: number): Promise<Attempt> {
    const isLarge = sizeOf(plan) > maxOps;
    let snapshot: Snapshot | null = null;
    if (!believes || isLarge) {
      try {
        snapshot = await this.#options.kv.snapshot(keysOf(plan));
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        return done(notSent(error.message));
      }
      const refusal = refusalBy(plan.compare, snapshot.items);
      if (refusal !== null) return done(refusal);
    }
    const request = snapshot !== null && isLarge ? this.#large(plan, snapshot) : this.#small(plan);
    if (bytesIn(request.success) > maxBytes) return done(notSent(`larger than ${maxBytes} bytes`));
    return this.#send(plan, request, untilMs);
  }

  async #send(plan: Plan, request: Request, untilMs: number): Promise<Attempt> {
    const { kv, clock } = this.#options;
    const { failure, compare } = request;
    const success = partsOf(request.success);
    try {
      const response = await kv.txn({ compare, success, failure }, untilMs - clock.monotonicMs());
      if (!response.succeeded) return this.#judge(plan, kv.itemsOf(response));
      const at = revision(response.header?.revision ?? 0);
      this.#learn(plan, request.replaced, at);
      return done({ kind: 'committed', revision: at });
    } catch (error) {
      // Evaluated and not applied: what it read on failure is not ours.
      if (error instanceof ForeignValue) return done(notSent(error.message));
      if (!(error instanceof RpcFailed)) throw error;
      if (!error.wasSent) return done(notSent(error.message));
      if (isOutOfSpace(error)) this.#options.onOutOfSpace();
      return done({ kind: 'ambiguous', operation: plan.operation, detail: messageOf(error) });
    }
  }

  /** Nothing was written. Says whether that is the caller's answer. */
  #judge(plan: Plan, read: readonly (StoredItem | null)[]): Attempt {
    const keys = keysOf(plan);
    // A large transaction reads nothing on failure: its next snapshot will.
    if (read.length !== keys.length) return { kind: 'stale' };
    const items = new Map<string, StoredItem>();
    for (const [index, key] of keys.entries()) {
      const item = read[index] ?? null;
      this.#options.known.note(key, item);
      if (item !== null) items.set(key, item);
    }
    const refusal = refusalBy(plan.compare, items);
    return refusal === null ? { kind: 'stale' } : done(refusal);
  }

  /** The keys as this committed transaction left them. */
  #learn(plan: Plan, replaced: Request['replaced'], at: Revision): void {
    for (const write of plan.writes.values()) {
      const before = replaced.get(write.key) ?? null;
      const { operation } = plan;
      const after = write.kind === 'delete' ? null : afterPut({ before, operation, ...write }, at);
      this.#options.known.note(write.key, after);
    }
  }

  /**
   * Whether what is known, or absence, is at least what the caller believes too. Otherwise an
   * attempt would be refused by a pin, or would need a create revision that nobody has read.
   */
  #mayBelieve(plan: Plan): boolean {
    const { known } = this.#options;
    return plan.compare.every(({ key, target, revision: wanted }) => {
      if (isLeadershipKey(key)) return true;
      const modRevision = known.get(key)?.modRevision ?? 0;
      if (target === 'create') return wanted === 0 || modRevision !== 0;
      return !plan.writes.has(key) || modRevision === wanted;
    });
  }

  #small(plan: Plan): Request {
    const { known, keyspace } = this.#options;
    const pins = new Map<string, number>();
    const replaced = new Map<string, KnownItem | null>();
    const success: WireRequestOp[] = [];
    const isDeleteOnly = [...plan.writes.values()].every((write) => write.kind === 'delete');
    for (const write of plan.writes.values()) {
      const before = known.get(write.key);
      if (write.kind === 'delete') {
        if (isDeleteOnly) {
          // A key that is absent must not move the turn, because that makes a revision of its own.
          pins.set(write.key, before?.modRevision ?? 0);
          if (before === null) continue;
        }
        success.push({ deleteRange: { key: keyspace.key(write.key) } });
      } else {
        pins.set(write.key, before?.modRevision ?? 0);
        replaced.set(write.key, before);
        success.push(this.#put(plan, write, before));
      }
    }
    const compare = plan.compare.map((one) => this.#compareOf(one, pins));
    for (const [key, modRevision] of pins) compare.push(modIs(keyspace.key(key), modRevision));
    const read = keysOf(plan).map((key) => ({ range: { key: keyspace.key(key) } }));
    if (success.length > 0) success.push({ put: { key: keyspace.turn } });
    // Without a read it would be answered by one member alone.
    else success.push({ range: { key: keyspace.turn } });
    return { compare, success, failure: read, replaced };
  }

  #large(plan: Plan, { items, turn }: Snapshot): Request {
    const { keyspace } = this.#options;
    const replaced = new Map<string, KnownItem | null>();
    const compare = plan.compare
      .filter(({ key }) => isLeadershipKey(key))
      .map((one) => nativeCompare(keyspace, one));
    compare.push(modIs(keyspace.turn, turn));
    const success: WireRequestOp[] = [];
    for (const write of plan.writes.values()) {
      const before = items.get(write.key) ?? null;
      if (write.kind === 'put') {
        replaced.set(write.key, before);
        success.push(this.#put(plan, write, before));
      } else if (before !== null) {
        success.push({ deleteRange: { key: keyspace.key(write.key) } });
      }
    }
    success.push(
      success.length > 0 ? { put: { key: keyspace.turn } } : { range: { key: keyspace.turn } },
    );
    return { compare, success, failure: [], replaced };
  }

  #put(
    { operation }: Plan,
    { key, value, isNew }: Extract<FinalWrite, { kind: 'put' }>,
    before: KnownItem | null,
  ): WireRequestOp {
    const stored = encodeStored({ value, operation, before, isNew });
    return { put: { key: this.#options.keyspace.key(key), value: stored } };
  }

  /** May add a pin: a create revision of ours is part of a value, and a value has its revision. */
  #compareOf(one: Compare, pins: Map<string, number>): WireCompare {
    const { keyspace, known } = this.#options;
    if (one.target === 'mod' || one.revision === 0 || isLeadershipKey(one.key)) {
      return nativeCompare(keyspace, one);
    }
    const item = known.get(one.key);
    if (item === null || item.createRevision !== one.revision) {
      return modIs(keyspace.key(one.key), never);
    }
    pins.set(one.key, item.modRevision);
    return modIs(keyspace.key(one.key), item.modRevision);
  }

  /** Waits for the earlier transactions of this store that write the same keys. */
  async #takeTurns({ then }: Transaction): Promise<() => void> {
    const keys = [...new Set(then.map((write) => write.key))];
    const earlier = keys.flatMap((key) => this.#tails.get(key) ?? []);
    let leave = (): void => undefined;
    const mine = new Promise<void>((resolve) => {
      leave = resolve;
    });
    for (const key of keys) this.#tails.set(key, mine);
    if (earlier.length > 0) await Promise.all(earlier);
    return () => {
      for (const key of keys) {
        if (this.#tails.get(key) === mine) this.#tails.delete(key);
      }
      leave();
    };
  }
}

interface Plan extends Pick<Transaction, 'compare' | 'operation'> {
  readonly operation: OperationId;
  readonly writes: ReadonlyMap<string, FinalWrite>;
}

interface Request {
  readonly compare: readonly WireCompare[];
  readonly success: readonly WireRequestOp[];
  readonly failure: readonly WireRequestOp[];
  /** What its puts replace. */
  readonly replaced: ReadonlyMap<string, KnownItem | null>;
}

/** Every key that the outcome depends on, once. */
function keysOf({ compare, writes }: Plan): readonly string[] {
  return [...new Set([...compare.map(({ key }) => key), ...writes.keys()])];
}

/** At least as many operations as any branch of the small form has. */
function sizeOf({ compare, writes }: Plan): number {
  return compare.length + writes.size + 1;
}

/** Many operations go as transactions within the transaction: etcd's limit is one of each level. */
function partsOf(ops: readonly WireRequestOp[]): readonly WireRequestOp[] {
  if (ops.length <= maxOps) return ops;
  const parts: WireRequestOp[] = [];
  for (let from = 0; from < ops.length; from += opsPerPart) {
    parts.push({ txn: { success: ops.slice(from, from + opsPerPart) } });
  }
  return parts;
}

function bytesIn(ops: readonly WireRequestOp[]): number {
  return ops.reduce((sum, { put }) => {
    return sum + 32 + (put?.key?.length ?? 0) + (put?.value?.length ?? 0);
  }, 0);
}

function modIs(key: Uint8Array, modRevision: number): WireCompare {
  return { key, target: compareTarget.mod, modRevision };
}

function nativeCompare(keyspace: Keyspace, compare: Compare): WireCompare {
  const key = keyspace.key(compare.key);
  return compare.target === 'mod'
    ? modIs(key, compare.revision)
    : { key, target: compareTarget.create, createRevision: compare.revision };
}

/** Null when all compares hold on what was read. */
function refusalBy(
  compares: readonly Compare[],
  items: ReadonlyMap<string, StoredItem>,
): WriteOutcome | null {
  const holds = compares.every(({ key, target, revision: wanted }) => {
    const item = items.get(key);
    const actual = target === 'create' ? item?.createRevision : item?.modRevision;
    return (actual ?? 0) === wanted;
  });
  if (holds) return null;
  const current: (KeyValue | null)[] = compares.map(({ key }) =>
    keyValueOf(items.get(key) ?? null),
  );
  return { kind: 'refused', because: 'compare', current, detail: '' };
}

function notSent(detail: string): WriteOutcome {
  return { kind: 'refused', because: 'notSent', current: [], detail };
}

function done(outcome: WriteOutcome): Attempt {
  return { kind: 'done', outcome };
}
