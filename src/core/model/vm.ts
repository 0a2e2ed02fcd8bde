import type { GuestPolicy } from './guest.ts';
import type { VmHardware } from './hardware.ts';
import type { BootId, FailoverId, NodeId, OperationId, Token, VmId } from './ids.ts';
import type { MoveWay, VmMove } from './move.ts';
import type { OrderWait, VmDependency } from './order.ts';
import type { Permit } from './permit.ts';
import type { VmActed, VmAction } from './vm-action.ts';
import type { VmLock } from './vm-lock.ts';
import type { VmSnapshot } from './vm-snapshot.ts';

/**
 * What the operator wants. `stopped` is off, and still recovered off a dead node (it gets another
 * home). `disabled` is off and not touched by failover. `ignored` is left entirely to people: what
 * runs goes on and is reported, nothing is started, stopped or recovered.
 */
export type VmDesired = 'running' | 'stopped' | 'disabled' | 'ignored';

/**
 * Committed phase of a VM.
 *
 * - `stopped`: nobody holds a permit. Exit: desired `running`.
 * - `starting`: a permit is recorded and the owner is told to start. Exit: the owner reports it
 *   running with that token, or acknowledges release after a failure.
 * - `running`: the owner reported it running with that token. Exit: it stops, crashes, or its
 *   node is fenced.
 * - `migrating`: its owner runs it, and copies it to another node (`move.migration`). Exit: the hand-over
 *   to that node, or the end of the copy.
 * - `stopping`: the owner is told to stop it. Exit: release acknowledged, or it takes too long.
 * - `recovering`: as `starting`, on a new owner after a proof. Exit: as `starting`.
 * - `backoff`: the last start failed; waits with growing delay. Exit: the delay is over.
 * - `failed`: its limits are used up, or its owner cannot stop it; then the permit is kept, and the
 *   stop is tried on. Exit: its window is over, the stop succeeds, or `kennel vm start`.
 */
export type VmPhase =
  | 'stopped'
  | 'starting'
  | 'running'
  | 'migrating'
  | 'stopping'
  | 'recovering'
  | 'backoff'
  | 'failed';

/** What people see: the phase refined by what is observed. */
export const vmStates = [
  'stopped',
  'starting',
  'running',
  'paused',
  'stopping',
  'migrating',
  'waitingProof',
  'recovering',
  'backoff',
  'failed',
  'unknown',
] as const satisfies readonly (VmPhase | 'paused' | 'waitingProof' | 'unknown')[];

export type VmState = (typeof vmStates)[number];

export type VmPriority = 'high' | 'medium' | 'low';

/** Where a disk lives. Only what every node can reach may fail over. */
export type DiskSource =
  | { readonly kind: 'nbd'; readonly host: string; readonly port: number; readonly export: string }
  | { readonly kind: 'rbd'; readonly pool: string; readonly image: string }
  | {
      readonly kind: 'iscsi';
      readonly portal: string;
      readonly target: string;
      readonly lun: number;
    }
  /** A file on a file system that every node mounts at the same path. */
  | { readonly kind: 'sharedFile'; readonly path: string }
  /** A file or device of one node. */
  | { readonly kind: 'local'; readonly path: string };

export interface VmDisk {
  readonly source: DiskSource;
  readonly format: 'raw' | 'qcow2';
  readonly bus: 'virtio' | 'sata' | 'scsi' | 'ide';
  readonly readOnly: boolean;
}

export interface VmInterface {
  readonly mac: string;
  readonly attach:
    | { readonly kind: 'bridge'; readonly bridge: string }
    | { readonly kind: 'network'; readonly network: string };
  readonly model: string;
}

/** What the domain is made from: our own typed spec, or libvirt XML taken over as it is. */
export type VmDefinition =
  | {
      readonly kind: 'typed';
      readonly machine: string | null;
      readonly emulated: boolean;
      /** Absent: a plain machine (`plainHardware`). */
      readonly hardware?: VmHardware | undefined;
    }
  | { readonly kind: 'xml'; readonly xml: string };

/** How often a VM that does not start, or ends by itself, is tried again before it is `failed`. */
export interface VmLimits {
  /** Further tries on the same node, each time that it is placed on one. */
  readonly restarts: number;
  /** Further nodes, after the tries on one are used up. */
  readonly relocations: number;
}

export const defaultLimits: VmLimits = { restarts: 2, relocations: 2 };

export interface VmSpec {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly disks: readonly VmDisk[];
  readonly interfaces: readonly VmInterface[];
  readonly priority: VmPriority;
  readonly definition: VmDefinition;
  /** Host file that receives the serial console, or null. */
  readonly consoleLog: string | null;
  /** Names of VMs that must not share a node with this one. */
  readonly separateFrom: readonly string[];
  /** Allowed nodes; empty = all. */
  readonly nodes: readonly NodeId[];
  readonly limits: VmLimits;
  /** How it leaves a node that is emptied; absent = live, and as that evacuation says otherwise. */
  readonly onEvacuation?: EvacuationWay | undefined;
  /** VMs that are to be ready before it starts; absent = none. */
  readonly after?: readonly VmDependency[] | undefined;
  /** Absent: `defaultGuestPolicy`. */
  readonly guest?: GuestPolicy | undefined;
  /** How rules and balance may move it; absent = `defaultSelfMoves`. */
  readonly selfMoves?: VmSelfMoves | undefined;
}

/** Live or not at all; shut down and started elsewhere; or not at all, so that it has to be stopped. */
export type EvacuationWay = 'migrate' | 'restart' | 'leave';

/** What rules and balance may do to a VM that runs. */
export interface VmSelfMoves {
  /** `never`: it stays where it is, whatever its rules say. Balance shuts no guest down. */
  readonly way: MoveWay | 'never';
  /** It goes back to a node that its rule prefers, if the rule says so too. */
  readonly failback: boolean;
}

/** No guest is shut down for a rule unless its owner says that it may be. */
export const defaultSelfMoves: VmSelfMoves = { way: 'live', failback: true };

/** What came of the starts since it last ran for a while, or a person last wanted it running. */
export interface VmTries {
  /** Failures on any node; the delay before the next start grows with them. */
  readonly failures: number;
  /** Those of them that count against `limits.restarts` of the present node. */
  readonly here: number;
  /** Nodes whose tries were used up, in order; placement takes others first. */
  readonly nodes: readonly NodeId[];
}

export const noTries: VmTries = { failures: 0, here: 0, nodes: [] };

/** The running operation of a VM: what the owner has been told to do. */
export interface VmOperation {
  readonly id: OperationId;
  /**
   * `permit` writes a new permit onto a domain that already runs; `resume` wakes the copy that a live
   * migration left there.
   */
  readonly kind: 'start' | 'release' | 'permit' | 'resume';
  /** For `release`: cut the power at once instead of asking the guest first. */
  readonly force: boolean;
  /** For `permit` and `resume`: the token the domain carries now; null = none. */
  readonly previousToken: Token | null;
}

/** What a person may want of a VM. */
export type VmGoal = VmDesired | 'deleted';

/** A boot of a node that was seen to run a VM without a right to, and not yet seen without it. */
export interface VmStray {
  readonly node: NodeId;
  readonly bootId: BootId;
}

export interface VmRecord {
  readonly kind: 'vm';
  readonly id: VmId;
  /** What it is now: what runs was made from it. */
  readonly spec: VmSpec;
  /** An edit that waits until nobody owns the VM; absent or null = none. */
  readonly staged?: VmSpec | null | undefined;
  readonly desired: VmDesired;
  readonly phase: VmPhase;
  /** Owner; null only when nobody may run it. */
  readonly permit: Permit | null;
  /** Highest token ever given out for this VM. */
  readonly lastToken: Token;
  readonly operation: VmOperation | null;
  /**
   * Where it belongs while nobody holds its permit: the node that it ran on last, or was created
   * for. It starts there when that node can take it. Null = nowhere yet.
   */
  readonly home: NodeId | null;
  readonly tries: VmTries;
  /** It could start, and waits for others that are to be ready first; null or absent = it does not. */
  readonly wait?: OrderWait | null | undefined;
  /** Where else it is to run, and how it gets there; null = it stays. */
  readonly move: VmMove | null;
  /**
   * The node that maintenance moved it away from, and that it goes back to by the same way when that
   * ends; absent = it is where it belongs. A person who moves it takes that away.
   */
  readonly away?: { readonly from: NodeId; readonly way: MoveWay } | undefined;
  /** Somebody works on it from outside; null or absent = nobody does. */
  readonly lock?: VmLock | null | undefined;
  /** Moves by policy that did not work out, one after the other; the next one waits the longer. */
  readonly moveFailures?: number | undefined;
  /** The dead incarnation's failover it is being recovered by. */
  readonly failover: FailoverId | null;
  /** Why it is where it is: the last failure or placement refusal, for people. */
  readonly reason: string | null;
  /** Where else it may run (FAILURES V15). It gets no new owner before all of them are gone. */
  readonly strays: readonly VmStray[];
  /** Who last changed what is wanted of it, through the API; null = nobody since it was created. */
  readonly asked: { readonly by: string; readonly at: string; readonly what: VmGoal } | null;
  /** Under way; absent = nothing is. */
  readonly action?: VmAction | null | undefined;
  /** The last calls that are over, oldest first; absent = none. */
  readonly acted?: readonly VmActed[] | undefined;
  /** Oldest first; absent = none. */
  readonly snapshots?: readonly VmSnapshot[] | undefined;
  /** A delete was asked for: the record goes away once the release is acknowledged. */
  readonly deleting: boolean;
  /**
   * It was ignored until now, or the record is that of a backup: a domain that runs without the
   * recorded permit was started or moved by a person, or by a leader that the backup does not know
   * of. It is taken over where it is, once no one else can own it.
   */
  readonly adopting: boolean;
}
