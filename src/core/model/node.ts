import type { NodeDowntime, NodeEvacuation } from './evacuation.ts';
import type { BootId, FenceId, IncarnationId, NodeId } from './ids.ts';

/**
 * What a node does when its lease runs out (DESIGN §5). Recorded before the node may run a VM,
 * because the `selfFence` proof is sound only for self-fencing nodes.
 */
export type IsolationPolicy = 'holding' | 'selfFencing';

/** A node's watchdog as its agent attests it. What counts is judged in `proof/attestation.ts`. */
export interface WatchdogAttestation {
  /** The driver's own name for the device, from sysfs. */
  readonly identity: string;
  /** `strong`: the device resets the node without any help of its kernel. softdog is weak. */
  readonly strength: 'strong' | 'weak';
  /** Timeout read back from the kernel after it was set, ms. */
  readonly timeoutMs: number;
  /** Time from the last pet to the reset that a bite test measured; null = none was made. */
  readonly measuredMs: number | null;
  readonly nowayout: boolean;
  /** Time before the reset at which the driver may panic instead, ms; 0 = never. */
  readonly pretimeoutMs: number;
  /** A copy of the open device outlives the petter, so that its death is not one more pet. */
  readonly held: boolean;
}

/** One start of an agent within one boot of its node. */
export interface Incarnation {
  readonly id: IncarnationId;
  readonly bootId: BootId;
  /** What was last acknowledged: an incarnation is holding until its agent says otherwise. */
  readonly isolation: IsolationPolicy;
  /** Of a self-fencing incarnation. */
  readonly watchdog?: WatchdogAttestation;
  /** Mark of the membership that it acknowledged last; absent = none (docs/peer-hold.md). */
  readonly membership?: string;
}

/**
 * Committed phase of a node.
 *
 * - `joining`: enrolled, no incarnation admitted. Exit: the leader admits the incarnation that
 *   holds a session and reports no running VM without a permit.
 * - `online`: its admitted incarnation gets leases and commands. Exit: fence intent, new boot id.
 * - `fencing`: a fence operation is open. Exit: proof, cancellation by life before the first
 *   device command.
 * - `blocked`: fencing is wanted, a guard or the lack of a device forbids it. Exit: the guard
 *   clears, the node is back, or `kennel node fence|confirm-off`.
 * - `fenced`: proven dead; its VMs are being recovered. Exit: a new incarnation is admitted.
 * - `quarantined`: flapping; what it runs goes on, nothing is placed there. Exit: it was quiet for
 *   long enough, or `kennel node unquarantine`.
 */
export type NodePhase = 'joining' | 'online' | 'fencing' | 'blocked' | 'fenced' | 'quarantined';

/** What people see: the phase, or `suspect` while an online node is silent (observed, not stored). */
export type NodeState = NodePhase | 'suspect';

export interface NodeCapacity {
  readonly memoryMiB: number;
  readonly vcpus: number;
}

/** One fence device of a node. Its credential lies apart, under the device's secret key. */
export interface FenceDevice {
  readonly id: string;
  /** Driver kind, for example `ipmi`. */
  readonly driver: string;
  /** Driver settings without secrets, as validated by the driver's own schema. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** BMC GUID or UUID read at enrolment; null only where the device has none. */
  readonly identity: string | null;
  /** Time that Off must be read without a break before it counts, in ms. */
  readonly settleMs: number;
  /**
   * What it switches, in the driver's words: two devices of the same text are one outlet, and what
   * fences one node by it would cut the other (FAILURES B15).
   */
  readonly outlet: string;
}

/** A level is an all-of group: every device reads Off, or the level proves nothing. */
export interface FenceLevel {
  readonly devices: readonly FenceDevice[];
  /** All of it must be read Off within this time, or the next level is tried; absent = 45 s. In ms. */
  readonly budgetMs?: number;
  /** How long its devices are only read before the first of them is told; absent = 0. In ms. */
  readonly delayMs?: number;
}

/** What the last checks of a fence device came to. Only changes of it are recorded. */
export interface DeviceCheck {
  /** Null = it answers, is the enrolled one and lets itself be switched. */
  readonly error: { readonly code: string; readonly detail: string } | null;
  /** Since when it has been so; ISO, wall clock. */
  readonly since: string;
}

/** What a drill measured of a fence device. */
export interface DeviceDrill {
  readonly at: string;
  /** From the first Off reading to the node's certain silence, in ms. */
  readonly silenceMs: number;
}

export interface NodeRecord {
  readonly kind: 'node';
  readonly id: NodeId;
  /** `/etc/machine-id` of the machine that joined; another machine cannot take the name. */
  readonly machineId: string;
  /** Management address, for people and migration; agents dial, managers never do. */
  readonly address: string;
  readonly capacity: NodeCapacity;
  readonly labels: Readonly<Record<string, string>>;
  readonly phase: NodePhase;
  readonly cordoned: boolean;
  /** It is to be emptied; absent = it is not. */
  readonly evacuation?: NodeEvacuation | undefined;
  /** It is about to go down, or went down as it said; absent = it is to run. */
  readonly downtime?: NodeDowntime | undefined;
  /** The admitted incarnation; the only one that gets leases and commands. */
  readonly incarnation: Incarnation | null;
  /** The open fence operation. */
  readonly fence: FenceId | null;
  /** Levels in the order in which they are tried. */
  readonly fenceTopology: readonly FenceLevel[];
  /** By device; one that is not in it was well when it was added. */
  readonly fenceChecks?: Readonly<Record<string, DeviceCheck>>;
  /** By device; absent = never drilled. */
  readonly fenceDrills?: Readonly<Record<string, DeviceDrill>>;
  /** SHA-256 of the certificate the node joined with. */
  readonly certificateFingerprint: string;
  /**
   * Set when the store was restored from a backup, to the time of that (ISO, wall clock), and until the
   * node has said what it runs or is proven off. As long as one node has it, no VM gets a new owner
   * (FAILURES M7).
   */
  readonly unheardSince?: string;
  /**
   * Losses and restarts that count against it (absent = 0): one more with each, one less with each
   * quiet part of the window. At the limit it is quarantined.
   */
  readonly flaps?: number;
}
