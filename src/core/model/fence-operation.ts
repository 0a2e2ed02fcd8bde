import type { Epoch, FailoverId, FenceId, NodeId } from './ids.ts';
import type { Incarnation } from './node.ts';
import type { Proof } from './proof.ts';

/**
 * Committed phase of a fence operation.
 *
 * - `intent`: recorded; no lease of that incarnation is renewed from here on. Devices are only
 *   read. Fresh heartbeats of the same incarnation still cancel it.
 * - `acting`: recorded before the first device command; from here it runs to a proof.
 * - `proven`: a proof is recorded; VMs may be recovered.
 * - `cancelled`: the node showed life before the first device command.
 * - `closed`: nothing is left to do for it.
 */
export type FencePhase = 'intent' | 'acting' | 'proven' | 'cancelled' | 'closed';

/** Why a node was suspected: each channel with the age of its last sign of life. */
export interface ChannelEvidence {
  readonly channel: 'session' | 'peerProbe' | 'storage' | 'bmc';
  readonly silentMs: number | null;
}

/** One device command or its refusal, without secrets. */
export interface FenceAttempt {
  readonly level: number;
  readonly device: string;
  readonly action: 'off' | 'on';
  readonly outcome: 'accepted' | 'rejected' | 'unknown';
  readonly error: string | null;
  readonly detail: string;
  readonly at: string;
  readonly durationMs: number;
}

export interface FenceOperation {
  readonly kind: 'fence';
  readonly id: FenceId;
  readonly node: NodeId;
  /** What must be proven dead. */
  readonly incarnation: Incarnation;
  readonly phase: FencePhase;
  /** Epoch that recorded the intent. */
  readonly epoch: Epoch;
  readonly requestedBy:
    | { readonly kind: 'detector'; readonly evidence: readonly ChannelEvidence[] }
    | {
        readonly kind: 'person';
        readonly actor: string;
        readonly reason: string;
        /** To try the devices, not because the node is lost. */
        readonly isDrill?: boolean;
      };
  /** A person said to go on although a guard forbids it. */
  readonly override: boolean;
  /**
   * The level that is tried, counted from 1; those before it were given up. A new leader goes on
   * with it.
   */
  readonly level: number;
  /**
   * Devices that may have been told to go off: recorded before they are, so that whoever resumes
   * knows of a command whose sender died.
   */
  readonly told: readonly string[];
  /** The last attempts, oldest first, at most 20. */
  readonly attempts: readonly FenceAttempt[];
  readonly proof: Proof | null;
  /** Proofs that signs of life disproved (`BMC_LIED`), with when. */
  readonly revoked: readonly {
    readonly proof: Proof;
    readonly at: string;
    readonly because: string;
  }[];
  /** Devices whose word is no longer taken in this operation. */
  readonly distrusted: readonly string[];
  readonly failover: FailoverId;
}
