import { revision, type Revision } from '../../core/model/ids.ts';
import { StoreUnavailable, type KeyValue } from '../store.ts';
import { inKeyOrder } from './key-order.ts';
import type { Keyspace } from './keyspace.ts';
import type { KnownItems } from './known-items.ts';
import type { Channel } from './rpc/channel.ts';
import { methods } from './rpc/methods.ts';
import type { WireKeyValue, WireRequestOp, WireTxnRequest, TxnResponse } from './rpc/messages.ts';
import { messageOf, RpcFailed } from './rpc/rpc-failed.ts';
import { decodeStored, keyValueOf, type StoredItem } from './stored-value.ts';

interface KvOptions {
  readonly channel: Channel;
  readonly keyspace: Keyspace;
  readonly known: KnownItems;
  readonly deadlineMs: number;
  /** Another etcd cluster answers than the one before: revisions mean nothing any more. */
  readonly onForeign: (because: string) => void;
}

/** What was at one revision. A key that is not in `items` was absent. */
export interface Snapshot {
  readonly items: ReadonlyMap<string, StoredItem>;
  /** Mod revision of the keyspace's `turn`; 0 = absent. */
  readonly turn: number;
  readonly revision: Revision;
}

/** Less than etcd's default of 128 operations per transaction. */
const keysPerRead = 100;

/** Reads and raw transactions on one cluster's keys. All reads are linearizable. */
export class Kv {
  readonly #options: KvOptions;
  #revision = 0;
  #clusterId: bigint | null = null;
  #isAnswering = true;
  #hasEnded = false;

  constructor(options: KvOptions) {
    this.#options = options;
  }

  /** The newest revision that was heard of. */
  get revision(): Revision {
    return revision(this.#revision);
  }

  /** Whether the last request that needs a quorum had an answer. */
  get isAnswering(): boolean {
    return this.#isAnswering;
  }

  end(): void {
    this.#hasEnded = true;
  }

  async get(key: string): Promise<{ readonly item: KeyValue | null; readonly revision: Revision }> {
    const { keyspace } = this.#options;
    const answer = await this.#range({ key: keyspace.key(key) });
    const [kv] = answer.kvs;
    const item = kv === undefined ? null : this.#decode(kv);
    this.#options.known.note(key, item);
    return { item: keyValueOf(item), revision: answer.revision };
  }

  async list(
    prefix: string,
  ): Promise<{ readonly items: readonly KeyValue[]; readonly revision: Revision }> {
    const answer = await this.#range(this.#options.keyspace.range(prefix));
    const items = answer.kvs.map((kv) => this.#decode(kv));
    for (const item of items) this.#options.known.note(item.key, item);
    const values = items.map((item) => keyValueOf(item)).filter((item) => item !== null);
    return { items: inKeyOrder(values), revision: answer.revision };
  }

  /** The keys and the turn, all as they were at one revision. */
  async snapshot(keys: readonly string[]): Promise<Snapshot> {
    const { keyspace, known } = this.#options;
    const items = new Map<string, StoredItem>();
    let turn = 0;
    let at = 0;
    for (let from = 0; from === 0 || from < keys.length; from += keysPerRead) {
      const ops: WireRequestOp[] = keys
        .slice(from, from + keysPerRead)
        .map((key) => ({ range: { key: keyspace.key(key), revision: at } }));
      const isFirst = from === 0;
      if (isFirst) ops.push({ range: { key: keyspace.turn } });
      const response = await this.#read(() => this.#readTxn({ success: ops }));
      at = response.header?.revision ?? at;
      const found = rangesOf(response);
      if (isFirst) turn = found.pop()?.modRevision ?? 0;
      for (const kv of found) {
        if (kv === null) continue;
        const item = this.#decode(kv);
        items.set(item.key, item);
      }
    }
    for (const key of keys) known.note(key, items.get(key) ?? null);
    return { items, turn, revision: revision(at) };
  }

  /** One attempt, not repeated. Rejects with `RpcFailed`. */
  async txn(request: WireTxnRequest, deadlineMs: number): Promise<TxnResponse> {
    return this.#observed(this.#options.channel.once(methods.txn, request, deadlineMs));
  }

  /** What the failure branch of a transaction, or a reading one, found. One entry per range. */
  itemsOf(response: TxnResponse): readonly (StoredItem | null)[] {
    return rangesOf(response).map((kv) => (kv === null ? null : this.#decode(kv)));
  }

  /** A reading transaction, tried again at other members. Rejects with `StoreUnavailable`. */
  async look(ops: readonly WireRequestOp[]): Promise<TxnResponse> {
    return this.#read(() => this.#readTxn({ success: ops }));
  }

  async #range(request: { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array }) {
    const { channel, deadlineMs } = this.#options;
    const answer = await this.#read(() =>
      this.#observed(channel.read(methods.range, request, deadlineMs)),
    );
    return { kvs: answer.kvs, revision: revision(answer.header?.revision ?? 0) };
  }

  #readTxn(request: WireTxnRequest): Promise<TxnResponse> {
    const { channel, deadlineMs } = this.#options;
    return this.#observed(channel.read(methods.txn, request, deadlineMs));
  }

  async #read<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    if (this.#hasEnded) throw new StoreUnavailable('the store is closed');
    try {
      return await ask();
    } catch (error) {
      throw new StoreUnavailable(
        this.#hasEnded ? 'the store is closed' : `etcd does not answer: ${messageOf(error)}`,
      );
    }
  }

  async #observed<
    Answer extends {
      readonly header: { readonly clusterId: bigint; readonly revision: number } | null;
    },
  >(asked: Promise<Answer>): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await asked;
    } catch (error) {
      // A refusal by a server is an answer too, but does not show that there is a quorum.
      this.#isAnswering = false;
      throw error;
    }
    this.#checkCluster(answer.header?.clusterId ?? 0n);
    this.#isAnswering = true;
    this.#revision = Math.max(this.#revision, answer.header?.revision ?? 0);
    return answer;
  }

  #checkCluster(clusterId: bigint): void {
    this.#clusterId ??= clusterId;
    if (this.#clusterId === clusterId) return;
    const because = `etcd cluster ${clusterId.toString(16)} answers, it was ${this.#clusterId.toString(16)} before`;
    this.#options.onForeign(because);
    throw new RpcFailed(because, { code: null, wasSent: true });
  }

  #decode(kv: WireKeyValue): StoredItem {
    return decodeStored(this.#options.keyspace.nameOf(kv.key), kv);
  }
}

function rangesOf(response: TxnResponse): (WireKeyValue | null)[] {
  return response.responses.flatMap(({ range }) => (range === null ? [] : [range.kvs[0] ?? null]));
}
