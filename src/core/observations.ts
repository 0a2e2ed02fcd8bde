import type {
  BootId,
  FenceId,
  IncarnationId,
  ManagerId,
  NodeId,
  OperationId,
  VmId,
} from './model/ids.ts';
import type { Verdict } from './model/guest.ts';
import type { Confirmed } from './hold/majority.ts';
import type { Incarnation, NodeCapacity, WatchdogAttestation } from './model/node.ts';
import type { Permit } from './model/permit.ts';
import type { PowerReading } from './model/proof.ts';
import type { FenceAttempt } from './model/fence-operation.ts';
import type { MeasuredUse } from './placement/site-types.ts';

/** What an agent says of one domain, never what it was told. */
export interface DomainObservation {
  readonly vm: VmId;
  readonly name: string;
  /** A process exists that may write to the disks. */
  readonly active: boolean;
  readonly state: 'running' | 'paused' | 'shuttingDown' | 'shutOff' | 'crashed' | 'other';
  readonly reason: string;
  /** The permit in its metadata; may name another node or incarnation. */
  readonly permit: Permit | null;
  /** How its checks stand since its start, by `checkKey`; absent = nothing was asked. */
  readonly checks?: Readonly<Record<string, Verdict>> | undefined;
}

export interface ReportObservation {
  readonly incarnation: IncarnationId;
  readonly receivedMs: number;
  readonly hypervisor: 'ok' | 'unreachable';
  /** By VM; null while the hypervisor is unreachable: then nothing is known, not nothing runs. */
  readonly domains: ReadonlyMap<VmId, DomainObservation> | null;
  readonly capacity: NodeCapacity;
  /** Its agent self-fences from now on, by this watchdog; absent or null = it holds. */
  readonly watchdog?: WatchdogAttestation | null;
  readonly degraded: string | null;
  /** What VMs used of late; absent = its agent has not measured. */
  readonly usage?: ReadonlyMap<VmId, MeasuredUse> | undefined;
  /** What its agent does about a hypervisor that does not answer. */
  readonly mending: string | null;
  /** Mark of the membership that it uses, and whether the others hold it now; null = it knows none. */
  readonly peerHold?: { readonly mark: string; readonly held: boolean } | null;
  /** Its operating system is going down, and how; null = it is not. */
  readonly leaving: 'reboot' | 'shutdown' | null;
}

/** What this manager itself saw of a node. Times are its monotonic clock. */
export interface NodeObservation {
  /** The incarnation of the newest session, open or not. */
  readonly incarnation: Incarnation | null;
  readonly sessionOpen: boolean;
  /** Last heartbeat of `incarnation`. */
  readonly lastHeartbeatMs: number | null;
  readonly lastHeartbeatWall: string | null;
  /**
   * The latest instant at which `incarnation` certainly lived: it answered something that this
   * manager sent then. A heartbeat alone may have waited in a buffer for any time; null = no
   * answer yet.
   */
  readonly aliveAtMs: number | null;
  /** Last lease granted to `incarnation`, by receipt of the heartbeat it answers. */
  readonly lastLeaseMs: number | null;
  readonly report: ReportObservation | null;
  /** When gaps in its heartbeats ended that this manager's own stalls do not explain; the last few. */
  readonly gapsMs: readonly number[];
  /** Another boot that speaks in its name while `incarnation` is heard: a copy of its disk. */
  readonly rival: Rival | null;
}

/** It was refused so often, the last time at that instant. */
export interface Rival {
  readonly bootId: BootId;
  readonly atMs: number;
  readonly times: number;
}

/** What one agent says of the nodes that it probes. Its word on itself is no part of it. */
export interface PeerReport {
  readonly incarnation: IncarnationId;
  readonly receivedMs: number;
  readonly nodes: ReadonlyMap<NodeId, PeerSighting>;
}

export interface PeerSighting {
  /** The boot that answered last; null = none did since the probing agent started. */
  readonly bootId: BootId | null;
  /** When the probe was sent that it answered, by this manager's clock; null = never. */
  readonly atMs: number | null;
  /** No later than that, however long the report was under way; null = not known. */
  readonly certainMs: number | null;
}

/** The other managers of the cluster, and how many of them this one hears. */
export interface ManagersHeard {
  readonly others: number;
  readonly heard: number;
  /** What each of them last said that it hears of nodes. */
  readonly sights: ReadonlyMap<ManagerId, ReadonlyMap<NodeId, ManagerSight>>;
}

/** A heartbeat that another manager had. */
export interface ManagerSight {
  readonly bootId: BootId;
  /** When it came there, by this manager's clock; the word of it may have been under way. */
  readonly atMs: number;
}

/** What the execution of a fence operation saw. Nothing in it is older than the intent. */
export interface FenceObservation {
  /** Bounded, oldest first, all devices mixed. */
  readonly readings: readonly PowerReading[];
  /** A power command may still be in flight. */
  readonly outstanding: boolean;
  /** A device reads On and the execution waits to be allowed to act. */
  readonly wantsToAct: boolean;
  /** Devices that it wants to tell to go off. */
  readonly wantsToTell: readonly string[];
  /** The level that it tries, counted from 1 in the node's topology; null = none. */
  readonly level: number | null;
  readonly firstOffWall: string | null;
  /** Every device command of this execution, oldest first. */
  readonly attempts: readonly FenceAttempt[];
  /** Last error per device, for people. */
  readonly errors: ReadonlyMap<string, { readonly code: string; readonly detail: string }>;
}

export type CommandOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly because: string; readonly detail: string }
  | { readonly kind: 'failed'; readonly code: string; readonly detail: string }
  | { readonly kind: 'ambiguous'; readonly detail: string };

/** A command that was sent to an incarnation's current session. */
export interface CommandObservation {
  readonly incarnation: IncarnationId;
  readonly sentMs: number;
  readonly outcome: CommandOutcome | null;
  readonly outcomeMs: number | null;
}

/** A tick of the manager that came late: it heard nobody meanwhile, so nobody was silent. */
export interface Stall {
  readonly endedMs: number;
  readonly lateMs: number;
}

/** What this manager saw of how load and rules stand, look by look. */
export interface PlacementObservation {
  /** It is time to look again for VMs that rules or load want elsewhere. */
  readonly isDue: boolean;
  /** Load was uneven for as many looks in a row as it takes, and nothing was being moved meanwhile. */
  readonly isUneven: boolean;
}

/** Everything volatile that decisions rest on. Lost with the process, observed anew by the next. */
export interface Observations {
  readonly nowMs: number;
  readonly nowWall: string;
  /** Since when this manager has been listening to agents without a break. */
  readonly observingSinceMs: number;
  /** Not before this manager's election: no earlier leader acknowledged anything that was sent later. */
  readonly leadingSinceMs: number;
  /** When this manager last acknowledged a lease of any incarnation of a node. */
  readonly leaseGrantedMs: ReadonlyMap<NodeId, number>;
  readonly stalls: readonly Stall[];
  readonly nodes: ReadonlyMap<NodeId, NodeObservation>;
  readonly fences: ReadonlyMap<FenceId, FenceObservation>;
  readonly commands: ReadonlyMap<OperationId, CommandObservation>;
  /** When this manager first saw the VM in its present phase. */
  readonly vmPhaseSinceMs: ReadonlyMap<VmId, number>;
  /** Since when this manager has known that the VM waits for others. */
  readonly vmWaitSinceMs: ReadonlyMap<VmId, number>;
  /** Since when this manager has known that the VM is to move. */
  readonly vmMoveSinceMs: ReadonlyMap<VmId, number>;
  /** Since when this manager has known that a node's admitted incarnation is what it is. */
  readonly incarnationSince: ReadonlyMap<
    NodeId,
    { readonly incarnation: IncarnationId | null; readonly ms: number }
  >;
  /** Since when this manager has known what counts against a node. */
  readonly flapsSince: ReadonlyMap<NodeId, { readonly flaps: number; readonly ms: number }>;
  /** By the node whose agent reports. */
  readonly peers: ReadonlyMap<NodeId, PeerReport>;
  readonly managers: ManagersHeard;
  readonly placement: PlacementObservation;
  /** Nodes that have confirmed their leases to this manager, and for when. */
  readonly confirmed: Confirmed;
  /** When this manager first saw the fence operation in its present phase. */
  readonly fencePhaseSince: ReadonlyMap<FenceId, { readonly ms: number; readonly wall: string }>;
}
