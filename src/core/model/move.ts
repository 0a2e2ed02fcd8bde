import type { NodeId } from './ids.ts';
import type { Permit } from './permit.ts';

/**
 * How a VM is taken to another node: with its guest running on (`live`), by a shutdown here and a start
 * there (`cold`), or live, and cold when that does not work out.
 */
export type MoveWay = 'live' | 'cold' | 'liveOrCold';

/** Bounds of one live migration. */
export interface MigrationLimits {
  /** MiB/s; null = as fast as it goes. */
  readonly bandwidthMiBs: number | null;
  /** A guest that changes its memory faster than it is copied is slowed down until it fits. */
  readonly autoConverge: boolean;
  /** From the intent on; then it is cancelled and the VM stays. A new leader counts anew. */
  readonly deadlineMs: number;
}

export const defaultMigrationLimits: MigrationLimits = {
  bandwidthMiBs: null,
  autoConverge: true,
  deadlineMs: 10 * 60_000,
};

/**
 * Committed phase of a live migration. The VM belongs to its source until the hand-over, which is a
 * commit and ends the migration; the copy at the target stands still until then.
 *
 * - `preparing`: the target is asked. Not one byte was asked of the source. Exit: the target's yes;
 *   anything else calls it off.
 * - `moving`: the source copies. Exit: the source's word that the VM is gone from it (hand-over) or that
 *   it is not; its death; a wish to cancel, or the deadline.
 * - `cancelling`: the source is told to stop copying, and to say how it stands. Exit: its word, its death.
 * - `ending`: the target is told to drop what it has. Exit: its word, or a proof of its death. Only then
 *   may anybody else run the VM (DESIGN §2.2).
 */
export type MigrationPhase = 'preparing' | 'moving' | 'cancelling' | 'ending';

export interface VmMigration {
  readonly phase: MigrationPhase;
  /**
   * The permit that the target gets at the hand-over. Its token is given out with the intent; it stands
   * in the copy's metadata, so a copy can be told from everything else.
   */
  readonly target: Permit;
  /** Why it is called off; null = it is not. */
  readonly because: string | null;
  /** A person took the wish back, or wants the VM to be something else than running. */
  readonly withdrawn: boolean;
  /** The source's guest was left standing: its disk may have moved on, so it is not woken. */
  readonly sourceStands: boolean;
}

/** The wish to have a running VM on another node, until it has a new owner or that is given up. */
export interface VmMove {
  /** Where it is to leave. Once it runs elsewhere, by whatever cause, the wish is fulfilled. */
  readonly from: NodeId;
  /** Null = Kennel chooses. */
  readonly to: NodeId | null;
  readonly way: MoveWay;
  readonly limits: MigrationLimits;
  /** Live tries that did not work out. */
  readonly failures: number;
  /** Null while it waits for its turn or its target, and during a cold move. */
  readonly migration: VmMigration | null;
  /** The rules about nodes are not asked for the node that is named. */
  readonly despiteNodeRules?: boolean | undefined;
  /** Why it moves though nobody asked for it; absent = a person did. */
  readonly cause?: MoveCause | undefined;
}

/** Why a VM moves though nobody asked. */
export type MoveCause = EvacuationCause | PolicyCause;

/**
 * Its node is emptied (`drain`: it stays where it goes; `maintenance`: it goes back later), or takes
 * back what was moved away (`return`). Such a move is wanted until it is done or its reason is gone.
 */
export type EvacuationCause = 'drain' | 'maintenance' | 'return';

/**
 * A strict rule is broken where it is (`rule`), a node that its rule prefers can take it again
 * (`failback`), what it must share a node with goes (`group`), or load is uneven (`balance`). Such a
 * move is forgotten when it cannot be, and planned anew from what is then.
 */
export type PolicyCause = 'rule' | 'failback' | 'group' | 'balance';

export function isByPolicy(cause: MoveCause | undefined): cause is PolicyCause {
  return cause === 'rule' || cause === 'failback' || cause === 'group' || cause === 'balance';
}

export function isByEvacuation(cause: MoveCause | undefined): cause is EvacuationCause {
  return cause === 'drain' || cause === 'maintenance' || cause === 'return';
}
