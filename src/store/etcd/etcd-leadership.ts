import type { Epoch, Revision } from '../../core/model/ids.ts';
import { SharedRound } from '../shared-round.ts';
import type { Leadership } from '../store.ts';
import type { Keyspace } from './keyspace.ts';
import type { Kv } from './kv.ts';
import type { Lease } from './lease.ts';
import { compareTarget } from './rpc/messages.ts';

interface EtcdLeadershipOptions {
  readonly kv: Kv;
  readonly keyspace: Keyspace;
  readonly deadlineMs: number;
  readonly lease: Lease;
  readonly key: string;
  readonly createRevision: Revision;
  readonly epoch: Epoch;
}

/**
 * A leadership as its holder sees it: it ends with its lease, by the holder's own clock. That a lease is
 * gone at the server proves nothing about its holder, and that it is there proves nothing about
 * others (etcd may revoke a lease late or early), so writes are guarded by the key all the same.
 */
export class EtcdLeadership implements Leadership {
  readonly key: string;
  readonly epoch: Epoch;
  readonly createRevision: Revision;
  readonly #options: EtcdLeadershipOptions;
  readonly #round: SharedRound<boolean>;

  constructor(options: EtcdLeadershipOptions) {
    this.#options = options;
    this.key = options.key;
    this.epoch = options.epoch;
    this.createRevision = options.createRevision;
    this.#round = new SharedRound(() => this.#ask());
  }

  get lost(): AbortSignal {
    return this.#options.lease.ended;
  }

  isValid(): boolean {
    return this.#options.lease.isLive();
  }

  async confirm(): Promise<boolean> {
    return this.isValid() && (await this.#round.join());
  }

  async resign(): Promise<void> {
    if (this.lost.aborted) return;
    const { lease, kv, keyspace, deadlineMs } = this.#options;
    lease.end('resigned');
    const key = keyspace.key(this.key);
    const isOurs = { key, target: compareTarget.create, createRevision: this.createRevision };
    // Either of them ends it; the key goes first, because its deletion is what a successor sees.
    const gone = kv.txn({ compare: [isOurs], success: [{ deleteRange: { key } }] }, deadlineMs);
    await Promise.allSettled([gone, lease.revoke()]);
  }

  /** A linearizable read of our key, which began after everybody who waits for it had asked. */
  async #ask(): Promise<boolean> {
    const { kv, keyspace, lease } = this.#options;
    try {
      const answer = await kv.look([{ range: { key: keyspace.key(this.key) } }]);
      const own = answer.responses[0]?.range?.kvs[0];
      const isOurs =
        own !== undefined &&
        own.createRevision === this.createRevision &&
        own.lease === BigInt(lease.id);
      if (!isOurs) lease.end('the key of this leadership is gone');
    } catch {
      return false;
    }
    return this.isValid();
  }
}
