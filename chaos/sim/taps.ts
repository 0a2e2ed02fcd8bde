import type { Permit } from '../../src/core/model/permit.ts';
import type { JsonValue } from '../../src/env/network.ts';
import type { Transaction, WriteOutcome } from '../../src/store/store.ts';
import type { DeathCause } from './sim-process.ts';

/** One message on its way between two hosts. Times are true time, ms. */
export interface TappedMessage {
  readonly from: string;
  readonly to: string;
  readonly message: JsonValue;
  /** When the code called `send`; a paused process makes it leave later. */
  readonly sentAtMs: number;
}

/** What members of a replicated store do, told at the instant it happens. `run`: one process. */
export interface RaftTaps {
  /** A step of a member's consensus, for the trace specification of etcd-io/raft's TLA+ model. */
  raftTrace?(event: object): void;
  raftElected?(member: string, term: number): void;
  /** An entry was applied; the digest is of what it says. */
  raftApplied?(entry: {
    readonly member: string;
    readonly run: string;
    readonly index: number;
    readonly term: number;
    readonly digest: number;
  }): void;
  /** A snapshot took the place of the state; null = nobody ever had applied so much. */
  raftRestored?(state: {
    readonly member: string;
    readonly run: string;
    readonly from: 'disk' | 'peer';
    readonly index: number;
    readonly digest: number;
    readonly expected: number | null;
  }): void;
  /** Entries that were never committed gave way to those of another leader. */
  raftTailReplaced?(member: string): void;
  /** A member's process ended, with this on its way to the disk. */
  raftDied?(death: {
    readonly cause: DeathCause;
    readonly leads: boolean;
    readonly entries: boolean;
    readonly vote: boolean;
  }): void;
}

/**
 * Where oracles look into a simulation. Each is called at the instant it speaks of, before the code
 * that hears of it runs. A tap changes nothing in the world.
 */
export interface SimTaps extends RaftTaps {
  /** A message leaves its sender's host. */
  left?(message: TappedMessage): void;
  /** It reached the kernel of the receiving host; its process may be paused. */
  arrived?(message: TappedMessage): void;
  /** The receiving code is given it now. */
  delivered?(message: TappedMessage): void;
  /** An agent's boot command leaves for the hypervisor. */
  startAsked?(node: string, permit: Permit): void;
  /** Something was done to a guest. */
  acted?(node: string, vm: string, verb: string, permit: Permit | null): void;
  /** A VM's process can write to its disks from now on, or no longer. */
  vmRuns?(node: string, vm: string, permit: Permit | null, running: boolean): void;
  /** A node's petter has seen that nothing is left, and pets on; `left`: by what permits of that agent something is. */
  contained?(node: string, incarnation: string, left: readonly Permit[]): void;
  /** A node's petter took a deadline; `alive`: VMs of the one before whose processes are there. */
  petterTook?(took: {
    readonly node: string;
    readonly nowMs: number;
    readonly deadlineMs: number;
    readonly before: { readonly deadlineMs: number } | null;
    readonly alive: readonly string[];
  }): void;
  /** A node's watchdog was petted too late. */
  watchdogBit?(node: string): void;
  /** A BMC takes power away, whatever the machine was doing. */
  powerCut?(node: string): void;
  /** A manager starts its fencing tool; `action` is the power verb, or `guid`. */
  toolStarted?(manager: string, bmcHost: string, action: string): void;
  toolEnded?(manager: string, bmcHost: string, action: string, exitCode: number | null): void;
  /** The store of a manager cannot go on, and its process ends. */
  storeFailed?(manager: string, error: Error): void;
  /** A manager's transaction ended, as that manager sees it. */
  wrote?(manager: string, transaction: Transaction, outcome: WriteOutcome): void;
}
