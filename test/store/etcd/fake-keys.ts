import type { Decoded, Encodable } from '../../../src/store/etcd/rpc/message.ts';
import {
  compareTarget,
  type DecodedRequestOp,
  type DecodedTxnRequest,
  type rangeRequest,
  type txnResponse,
  type WireKeyValue,
} from '../../../src/store/etcd/rpc/messages.ts';

type TxnAnswer = Pick<Encodable<typeof txnResponse>, 'succeeded' | 'responses'>;
type OpAnswer = NonNullable<TxnAnswer['responses']>[number];

/** The keys of the fake server: the newest of each, no history. */
export class FakeKeys {
  revision = 1;
  readonly #items = new Map<string, WireKeyValue>();

  /** Whether a transaction has anything but reads in its success branch. */
  static writes(request: DecodedTxnRequest): boolean {
    return request.success.some((op) => op.range === null);
  }

  range(request: Decoded<typeof rangeRequest>): readonly WireKeyValue[] {
    const found = [...this.#items.values()]
      .filter(({ key }) => isWithin(key, request.key, request.rangeEnd))
      .sort((a, b) =>
        request.sortTarget === 0
          ? Buffer.compare(a.key, b.key)
          : a.createRevision - b.createRevision,
      );
    return request.limit > 0 ? found.slice(0, request.limit) : found;
  }

  txn(request: DecodedTxnRequest): TxnAnswer {
    const succeeded = request.compare.every((one) => {
      const item = this.#items.get(nameOf(one.key));
      return one.target === compareTarget.create
        ? (item?.createRevision ?? 0) === one.createRevision
        : (item?.modRevision ?? 0) === one.modRevision;
    });
    const ops = succeeded ? request.success : request.failure;
    const next = this.revision + 1;
    const responses = ops.map((op) => this.#apply(op, next));
    if (succeeded && FakeKeys.writes(request)) this.revision = next;
    return { succeeded, responses };
  }

  /** Puts a key as any other client of etcd could. */
  plant(name: string, value: string): void {
    this.revision += 1;
    const encode = (text: string) => new TextEncoder().encode(text);
    this.#items.set(name, {
      key: encode(name),
      value: encode(value),
      createRevision: this.revision,
      modRevision: this.revision,
      lease: 0n,
    });
  }

  revoke(lease: bigint): void {
    for (const [name, item] of this.#items) if (item.lease === lease) this.#items.delete(name);
    this.revision += 1;
  }

  #apply({ range, put, deleteRange }: DecodedRequestOp, next: number): OpAnswer {
    if (range !== null) return { range: { kvs: this.range(range) } };
    if (put !== null) {
      const name = nameOf(put.key);
      const before = this.#items.get(name);
      const createRevision = before?.createRevision ?? next;
      this.#items.set(name, { ...put, createRevision, modRevision: next });
      return { put: {} };
    }
    if (deleteRange === null) throw new Error('the fake knows no such operation');
    this.#items.delete(nameOf(deleteRange.key));
    return { deleteRange: {} };
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}

function isWithin(key: Uint8Array, from: Uint8Array, end: Uint8Array): boolean {
  if (end.length === 0) return Buffer.compare(key, from) === 0;
  return Buffer.compare(key, from) >= 0 && Buffer.compare(key, end) < 0;
}
