import type { ClientVerb } from '../checkers/history.ts';
import type { DetectionProfile } from '../../src/core/model/settings.ts';
import type { LockPlan } from './locks.ts';
import type { SnapshotPlan } from './snapshots.ts';
import type { MaintenanceStep } from './maintenance.ts';
import type { SimBmcMode } from '../sim/bmc.ts';
import type { StoreKind } from '../sim/cluster.ts';
import type { WatchdogTraits } from '../sim/watchdog-device.ts';
import type { StoppedClocks } from '../sim/clock.ts';
import type { GuestPlan } from './draw-guests.ts';
import type { SimCall, SimFault } from '../sim/sim-domain.ts';

/**
 * A host by name (`node-1`, `m-2`), or by what it is when the fault strikes: `leader`, `follower`,
 * `home-<n>`, the node that runs VM number n, or `copy-<n>`, one that a copy of it comes to. What cannot be resolved then does nothing.
 */
export type Target = string;

/**
 * `writes` and `syncs` fail with EIO; `full` has no byte left; `slow` takes seconds; `rot` has one
 * bit turned, which is found at the next start.
 */
export type DiskTrouble = 'writes' | 'syncs' | 'full' | 'slow' | 'rot';

/** What goes wrong. Most of it ends by itself after `lastsMs`. */
export type FaultEffect =
  | { readonly kind: 'cut'; readonly from: Target; readonly to: Target }
  | { readonly kind: 'cutBoth'; readonly a: Target; readonly b: Target }
  | { readonly kind: 'isolate'; readonly host: Target }
  /** These hosts cannot reach any other; fence devices are on nobody's side. */
  | { readonly kind: 'partition'; readonly hosts: readonly Target[] }
  | {
      readonly kind: 'poorLink';
      readonly from: Target;
      readonly to: Target;
      readonly delayMs: number;
      readonly loss: number;
      /** Shares of the messages that come twice, and that overtake others. */
      readonly twice: number;
      readonly overtakes: number;
    }
  /** A link that comes and goes, both ways, for as long as the fault lasts. */
  | {
      readonly kind: 'flap';
      readonly a: Target;
      readonly b: Target;
      readonly upMs: number;
      readonly downMs: number;
    }
  /** A node loses every manager, and no other node. */
  | { readonly kind: 'cutManagers'; readonly node: Target }
  | { readonly kind: 'crash'; readonly host: Target }
  /**
   * The process stops: now, just before its n-th effect on the world from now, or between its next
   * commit and what it does on the strength of it.
   */
  | {
      readonly kind: 'pause';
      readonly host: Target;
      readonly beforeEffect: number | 'afterCommit' | null;
    }
  | { readonly kind: 'powerLoss'; readonly node: Target; readonly withBmc: boolean }
  | { readonly kind: 'reset'; readonly node: Target }
  | { readonly kind: 'panic'; readonly node: Target }
  | { readonly kind: 'freeze'; readonly host: Target; readonly clocks: StoppedClocks }
  | { readonly kind: 'bmc'; readonly node: Target; readonly mode: SimBmcMode }
  /** The BMC of `b` answers at the address of `a`. */
  | { readonly kind: 'wrongBmc'; readonly a: Target; readonly b: Target }
  | { readonly kind: 'daemon'; readonly node: Target; readonly how: 'hang' | 'kill' }
  | {
      readonly kind: 'hypervisor';
      readonly node: Target;
      readonly call: SimCall;
      readonly fault: SimFault;
    }
  | {
      readonly kind: 'domain';
      readonly vm: number;
      readonly how: 'crash' | 'shutdown' | 'ioError' | 'hang' | 'silence';
    }
  /** Every VM on a node crashes. */
  | { readonly kind: 'domainsOf'; readonly node: Target }
  | { readonly kind: 'stateDisk'; readonly node: Target; readonly code: 'EIO' | 'ENOSPC' | 'EROFS' }
  /** The disk of a host: an agent's memory, or the log of a manager that has one. */
  | { readonly kind: 'disk'; readonly host: Target; readonly how: DiskTrouble }
  /** A manager's machine loses power: what its disk was not told to keep may be gone. */
  | { readonly kind: 'managerPower'; readonly manager: Target }
  /**
   * A manager's machine dies with all that was on its disk. Once it has an empty one, a person has its
   * part of the store rebuilt from the others.
   */
  | { readonly kind: 'diskLost'; readonly manager: Target }
  /** Every manager falls in the very step in which one is next elected to lead the store. */
  | { readonly kind: 'electionFall'; readonly how: 'crash' | 'powerLoss' }
  /** A node's way to the shared storage is cut: every VM on it stands still on an I/O error. */
  | { readonly kind: 'storageCut'; readonly node: Target }
  | {
      readonly kind: 'ambiguousWrite';
      readonly effect: 'evaluated' | 'lost' | { readonly lateMs: number };
    }
  | { readonly kind: 'expireLeader'; readonly tell: boolean }
  | { readonly kind: 'cutStore'; readonly manager: Target }
  | { readonly kind: 'wallStep'; readonly host: Target; readonly byMs: number }
  /** Commands that a node was sent earlier arrive again, as they were or under another id. */
  | {
      readonly kind: 'replay';
      readonly node: Target;
      readonly back: number;
      readonly forged: boolean;
    }
  /** A person starts a stopped VM past Kennel; `how` says when. */
  | {
      readonly kind: 'byHand';
      readonly node: Target;
      readonly vm: number;
      readonly how: 'now' | 'atBoot' | 'instead';
    }
  /**
   * The petter's process: dies, stops just before its n-th write to the device from now, or is told to
   * end in good order.
   */
  | {
      readonly kind: 'petter';
      readonly node: Target;
      readonly how: 'crash' | 'disarm' | { readonly beforePet: number };
    }
  /** VMs of a node hang in their storage: no signal ends them. */
  | { readonly kind: 'unkillable'; readonly node: Target }
  | { readonly kind: 'fenceByPerson'; readonly node: Target }
  /** The outlets of a node's supplies, where they are enrolled. */
  | {
      readonly kind: 'pdu';
      readonly node: Target;
      readonly which: 'pdu-a' | 'pdu-b' | 'both';
      readonly mode: SimBmcMode;
    }
  /** A person gives a node power, whatever is being done to it. */
  | { readonly kind: 'powerOnByPerson'; readonly node: Target }
  /** A client's call that belongs to a chain of faults. */
  | { readonly kind: 'ask'; readonly verb: 'start' | 'stop' | 'migrate'; readonly vm: number };

export type Fault = FaultEffect & { readonly atMs: number; readonly lastsMs: number };

export type Recreate = 'never' | 'sameId' | 'newId';

export interface WorkloadStep {
  readonly atMs: number;
  readonly verb: ClientVerb;
  /** Number of the VM, from 1. */
  readonly vm: number;
  readonly force: boolean;
}

/**
 * One run as data: everything that is drawn is drawn before it begins, so that a part of it can be
 * left out and the rest stays what it was.
 */
export interface Scenario {
  readonly seed: number;
  readonly profile: string;
  /** `safety`: faults to the end. `liveness`: then everything is healed and must come to rest. */
  readonly mode: 'safety' | 'liveness';
  readonly managers: number;
  readonly nodes: number;
  readonly detection: DetectionProfile;
  /**
   * `file`: the durable log of the one manager on its simulated disk. `raft`: what the managers
   * replicate among themselves, on their disks and over their network.
   */
  readonly store: StoreKind;
  /** So many managers of a `raft` store, the last ones, join while it runs. */
  readonly joining: number;
  /** The last manager of a `raft` store only votes. */
  readonly hasWitness: boolean;
  /** Two managers believe that they lead, for as long as faults last. */
  readonly twoLeaders: boolean;
  /** Every node has PDUs as a second level, which follows the first after so long; null = none, ms. */
  readonly levelBudgetMs: number | null;
  readonly storeLeaseMs: number;
  /** Longest way to the store or back. */
  readonly storeLatencyMs: number;
  readonly bootMs: number;
  readonly agentRestartMs: number;
  readonly managerRestartMs: number;
  /** A person powers a dark or hung node on after so long. */
  readonly operatorMs: number;
  /** Clock rates by host; 1 where there is none. */
  readonly rates: Readonly<Record<string, number>>;
  /** The watchdogs of those nodes that have one. */
  readonly watchdogs: Readonly<Record<string, WatchdogTraits>>;
  /** Every VM may run on one node only: VM n on node 1 + (n - 1) modulo the nodes. */
  readonly pinned: boolean;
  /**
   * Whether a VM that was deleted is made again: never, under its old UUID, or under a new one with
   * the old name.
   */
  readonly recreate: Recreate;
  /** By number of the VM, from 1; absent or empty = no VM waits for others or is asked for its health. */
  readonly guests?: readonly GuestPlan[];
  /** Rules and load move VMs that run, sooner than they would elsewhere. */
  readonly selfMoves?: boolean | undefined;
  readonly locks?: readonly LockPlan[];
  readonly snapshots?: readonly SnapshotPlan[];
  readonly workload: readonly WorkloadStep[];
  readonly faults: readonly Fault[];
  readonly maintenance: readonly MaintenanceStep[];
  readonly faultsMs: number;
}
