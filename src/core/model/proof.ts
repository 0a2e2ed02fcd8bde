import type { BootId } from './ids.ts';
import type { WatchdogAttestation } from './node.ts';

/** One power reading of one fence device. `atMs` is the manager's monotonic clock. */
export interface PowerReading {
  readonly device: string;
  readonly atMs: number;
  readonly power: 'on' | 'off' | 'transition' | 'unknown';
  /** The identity that the device gave with this reading; null when it gave none. */
  readonly identity: string | null;
}

/** All numbers of the inequality `elapsed >= (L + G + kW)(1 + rho) + tau`, times in ms. */
export interface SelfFenceProof {
  readonly kind: 'selfFence';
  readonly boundMs: number;
  /** Since `countedFrom`, on the clock of the manager that took the proof. */
  readonly elapsedMs: number;
  /**
   * The latest instant at which any manager could have acknowledged a lease of that boot, or the start
   * of the majority that keeps the others from holding it, if that is later.
   */
  readonly countedFrom: 'lease' | 'election' | 'majority';
  readonly leaseTtlMs: number;
  readonly graceMs: number;
  readonly watchdogMs: number;
  readonly watchdogRounds: 2 | 3;
  readonly clockRateBound: number;
  readonly marginMs: number;
  readonly watchdog: WatchdogAttestation;
}

/**
 * Typed evidence that a node is not running and will not run again as that incarnation
 * (DESIGN §5). A command's return code is never a proof.
 */
export type Proof =
  | {
      readonly kind: 'powerOff';
      /** Every device of one level, each with its consecutive Off readings. */
      readonly devices: readonly {
        readonly device: string;
        readonly identity: string | null;
        readonly settleMs: number;
        readonly readings: readonly PowerReading[];
      }[];
      /** How long the node had been silent when the proof was taken, in ms. */
      readonly silentMs: number;
    }
  | { readonly kind: 'newBoot'; readonly oldBoot: BootId; readonly newBoot: BootId }
  | SelfFenceProof
  | { readonly kind: 'kdump'; readonly from: string }
  | { readonly kind: 'storageCut'; readonly devices: readonly string[] }
  | { readonly kind: 'attested'; readonly actor: string; readonly reason: string };

export type ProofKind = Proof['kind'];
