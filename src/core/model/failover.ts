import type { FailoverId, FenceId, NodeId, VmId } from './ids.ts';
import type { Proof } from './proof.ts';

/** One VM of a failover and what became of it. Times are ISO wall-clock, for people. */
export interface FailoverVm {
  readonly vm: VmId;
  readonly name: string;
  readonly from: NodeId;
  readonly to: NodeId | null;
  /** Why the target was chosen and every other node refused. */
  readonly placement: string | null;
  readonly placedAt: string | null;
  readonly startedAt: string | null;
  readonly failure: string | null;
}

/** What happened, by which proof, and how long each step took. */
export interface FailoverRecord {
  readonly kind: 'failover';
  readonly id: FailoverId;
  readonly node: NodeId;
  readonly fence: FenceId;
  /** Last sign of life that any channel saw. */
  readonly lastSeenAt: string | null;
  readonly detectedAt: string;
  /** When the fence intent was known to be committed. */
  readonly intentAt: string | null;
  readonly firstOffAt: string | null;
  readonly provenAt: string | null;
  readonly proof: Proof | null;
  readonly vms: readonly FailoverVm[];
  readonly outcome: 'open' | 'cancelled' | 'completed';
  readonly closedAt: string | null;
  /** Chain hash over the previous sealed record and this one; null while open. */
  readonly hash: string | null;
  readonly previousHash: string | null;
}
