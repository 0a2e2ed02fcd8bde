import type { Epoch, OperationId, Revision } from '../core/model/ids.ts';

export interface KeyValue {
  readonly key: string;
  /** UTF-8 text; objects are JSON. */
  readonly value: string;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** Operation ids of the last writes of this key, newest last, at most 8. */
  readonly operations: readonly OperationId[];
}

/** All compares of a transaction must hold. A key that is absent has both revisions 0. */
export type Compare =
  | { readonly key: string; readonly target: 'create'; readonly revision: Revision }
  | { readonly key: string; readonly target: 'mod'; readonly revision: Revision };

export type Write =
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  | { readonly kind: 'delete'; readonly key: string };

export interface Transaction {
  /** Recorded in every key written, so that an ambiguous outcome can be resolved by reading. */
  readonly operation: OperationId;
  readonly compare: readonly Compare[];
  readonly then: readonly Write[];
}

/**
 * What became of a write. `refused` is said only when the compares were evaluated and failed, or
 * the request provably never left. Everything else that is not a confirmation is `ambiguous`:
 * read the keys back and look for the operation id, never repeat it blindly (DESIGN §2.4).
 */
export type WriteOutcome =
  | { readonly kind: 'committed'; readonly revision: Revision }
  | {
      readonly kind: 'refused';
      readonly because: 'compare' | 'notSent' | 'readOnly';
      /** The compared keys as they are; null = absent. Empty when `because` is not `compare`. */
      readonly current: readonly (KeyValue | null)[];
      readonly detail: string;
    }
  | { readonly kind: 'ambiguous'; readonly operation: OperationId; readonly detail: string };

/** A read that has no answer (no quorum, closed, deadline) is an error of this class. */
export class StoreUnavailable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StoreUnavailable';
  }
}

export interface WatchBatch {
  readonly revision: Revision;
  /** All changes of one revision. A deletion has value null. */
  readonly changes: readonly { readonly key: string; readonly current: KeyValue | null }[];
}

export type WatchEvent =
  | { readonly kind: 'batch'; readonly batch: WatchBatch }
  /** History before this revision is gone, or the queue ran over: list again. The watch has ended. */
  | { readonly kind: 'compacted'; readonly revision: Revision }
  | { readonly kind: 'closed'; readonly reason: string };

export interface Leadership {
  readonly epoch: Epoch;
  /** Compare `{target: 'create'}` of this key guards every leader write. */
  readonly key: string;
  readonly createRevision: Revision;
  /** Synchronous; checked in the same turn as every effect. False for ever once false. */
  isValid(): boolean;
  /**
   * True when a quorum confirmed this leadership in a round that began after the call.
   * Calls that wait together share one round. Never rejects.
   */
  confirm(): Promise<boolean>;
  /** Fires when leadership is known to be lost or was resigned. */
  readonly lost: AbortSignal;
  resign(): Promise<void>;
}

/** How a member's disk fares, by its own word. */
export interface DiskHealth {
  /** The last finished sync, and the slowest of the recent ones, in ms. */
  readonly lastSyncMs: number;
  readonly slowestSyncMs: number;
  /** Writes and syncs that failed since the member started. */
  readonly writeErrors: number;
  readonly logBytes: number;
}

/** One server of the store, as this client knows it. */
export interface StoreMember {
  readonly name: string;
  readonly healthy: boolean;
  /** Absent where the driver does not know. */
  readonly role?: 'voter' | 'learner';
  /** Log entries that it lacks; absent where the driver does not know. */
  readonly lagEntries?: number;
  /** Absent while it has not said. */
  readonly disk?: DiskHealth;
}

export interface StoreStatus {
  readonly driver: 'memory' | 'file' | 'raft' | 'etcd';
  readonly revision: Revision;
  readonly members: readonly StoreMember[];
  readonly hasQuorum: boolean;
  /** Of consensus, where the managers themselves hold it. */
  readonly term?: number;
  /** Set when the store takes no writes, with the reason; for example a full disk. */
  readonly readOnly: string | null;
  /** Slowest of the recent syncs, in ms; null where it has no disk. */
  readonly syncMs: number | null;
}

/**
 * The narrow waist between decisions and durability. All reads are linearizable. Heartbeats never
 * come here: only state transitions do.
 */
export interface Store {
  get(key: string): Promise<{ readonly item: KeyValue | null; readonly revision: Revision }>;
  /** All keys with the prefix, sorted, as they were at one revision. */
  list(
    prefix: string,
  ): Promise<{ readonly items: readonly KeyValue[]; readonly revision: Revision }>;
  txn(transaction: Transaction): Promise<WriteOutcome>;
  /** Changes after `from` (exclusive), in order. One listener per watch; returns a stop function. */
  watch(prefix: string, from: Revision, listener: (event: WatchEvent) => void): () => void;
  /** Waits until this candidate leads. Rejects with the signal's reason when aborted. */
  campaign(options: {
    readonly candidate: string;
    readonly signal: AbortSignal;
  }): Promise<Leadership>;
  status(): StoreStatus;
  close(): Promise<void>;
}
