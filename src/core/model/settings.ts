import type { ShutdownPolicy } from './evacuation.ts';
import { defaultPlacementPolicy, type PlacementPolicy } from './placement-policy.ts';

/** Failure-detection profile (DESIGN §5): how long a node may be silent before fence intent. */
export type DetectionProfile = 'fast' | 'default' | 'conservative';

/** Times that the safety argument rests on, all in ms. Same for every node of a cluster. */
export interface TimingSettings {
  /** Interval of an agent's heartbeats to each manager. */
  readonly heartbeatMs: number;
  /** Silence after which a node is fenced. */
  readonly failAfterMs: number;
  /** Extra patience with nodes that a manager has not heard since it began to listen. */
  readonly reconnectMs: number;
  /** L: lease time-to-live, counted from the agent's send time. */
  readonly leaseTtlMs: number;
  /** G: grace in which a self-fencing agent kills its VMs. */
  readonly graceMs: number;
  /** W: watchdog timeout. */
  readonly watchdogMs: number;
  /** tau: reset time plus in-flight I/O. */
  readonly marginMs: number;
  /** rho: bound on the relative rate of two clocks. */
  readonly clockRateBound: number;
}

/** So many nodes, or that share of all of them, whichever is more. */
export interface NodeBudget {
  readonly count: number;
  readonly share: number;
}

/** Bounds of automatic fencing (DESIGN §5, guards). None of them is needed for safety. */
export interface GuardSettings {
  /** More nodes lost at once than this: the governor holds. */
  readonly atOnce: NodeBudget;
  /** More different nodes powered off within `windowMs` than this: the governor holds. */
  readonly perWindow: NodeBudget;
  readonly windowMs: number;
  /** So many losses or restarts of a node within `flapWindowMs` quarantine it. */
  readonly flapLimit: number;
  readonly flapWindowMs: number;
  /** So many gaps in its heartbeats within `gapWindowMs` do too. */
  readonly gapLimit: number;
  readonly gapWindowMs: number;
  /** How long a quarantined node must be quiet to leave by itself. */
  readonly quietMs: number;
}

export interface ClusterSettings {
  readonly kind: 'settings';
  readonly profile: DetectionProfile;
  readonly timing: TimingSettings;
  /** Storm guard: fencing is blocked when more than this share of the lease-holding nodes is lost. */
  readonly maxLostShare: number;
  readonly guards: GuardSettings;
  /** vCPUs that may be promised per physical CPU. Memory is never promised twice. */
  readonly vcpuOvercommit: number;
  readonly placement: PlacementPolicy;
  /** How long a guest may take to shut down before its power is cut. */
  readonly shutdownGraceMs: number;
  /** Starts in flight per node. */
  readonly maxStartsPerNode: number;
  /** The same of VMs with disks on one storage, in the whole cluster. */
  readonly maxStartsPerStorage: number;
  /** Live migrations under way at once: to and from one node, and in the whole cluster. */
  readonly maxMigrationsPerNode: number;
  readonly maxMigrations: number;
  /** What becomes of the VMs of a node that is shut down or rebooted by its operating system. */
  readonly shutdownPolicy: ShutdownPolicy;
  /** How long a node that said that it reboots may be silent before it counts as lost. */
  readonly rebootPatienceMs: number;
  /** Nodes that fence themselves may be held by the others while no leader is heard. */
  readonly peerHold: boolean;
  /** How long a VM stays `failed` before it is tried anew. */
  readonly failedWindowMs: number;
}

const base = {
  reconnectMs: 3000,
  leaseTtlMs: 6000,
  graceMs: 3000,
  watchdogMs: 5000,
  marginMs: 4000,
  clockRateBound: 0.01,
} as const;

export const profiles: Readonly<Record<DetectionProfile, TimingSettings>> = {
  fast: { ...base, heartbeatMs: 250, failAfterMs: 1000 },
  default: { ...base, heartbeatMs: 500, failAfterMs: 3000 },
  conservative: {
    ...base,
    heartbeatMs: 500,
    failAfterMs: 15_000,
    leaseTtlMs: 10_000,
    graceMs: 5000,
    watchdogMs: 10_000,
  },
};

export const defaultGuards: GuardSettings = {
  atOnce: { count: 2, share: 0.2 },
  perWindow: { count: 4, share: 0.25 },
  windowMs: 10 * 60_000,
  flapLimit: 5,
  flapWindowMs: 60 * 60_000,
  gapLimit: 20,
  gapWindowMs: 10 * 60_000,
  quietMs: 30 * 60_000,
};

export function defaultSettings(profile: DetectionProfile): ClusterSettings {
  return {
    kind: 'settings',
    profile,
    timing: profiles[profile],
    maxLostShare: 0.5,
    guards: defaultGuards,
    vcpuOvercommit: 8,
    placement: defaultPlacementPolicy,
    shutdownGraceMs: 60_000,
    maxStartsPerNode: 8,
    maxStartsPerStorage: 128,
    maxMigrationsPerNode: 2,
    maxMigrations: 8,
    shutdownPolicy: 'conditional',
    rebootPatienceMs: 15 * 60_000,
    peerHold: true,
    failedWindowMs: 30 * 60_000,
  };
}
