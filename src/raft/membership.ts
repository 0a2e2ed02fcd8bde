import { Inflights } from './inflights.ts';
import { Progress } from './progress.ts';
import type { ConfState, Id } from './types.ts';

/**
 * Who votes and who learns; every list ascending. While `outgoing` is not empty the configuration
 * is joint: whatever is decided needs a majority of both halves.
 */
export interface Membership {
  readonly incoming: readonly Id[];
  readonly outgoing: readonly Id[];
  readonly learners: readonly Id[];
  readonly learnersNext: readonly Id[];
  readonly autoLeave: boolean;
}

export type ProgressMap = ReadonlyMap<Id, Progress>;

/** A configuration with what is known of each of its members. */
export interface Tracked {
  readonly membership: Membership;
  readonly progress: ProgressMap;
}

export const nobody: Membership = {
  incoming: [],
  outgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

export function isJoint(membership: Membership): boolean {
  return membership.outgoing.length > 0;
}

/** Ids in ascending order, each once. */
export function ascending(ids: Iterable<Id>): readonly Id[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

/** Voters of both halves. */
export function allVoters(membership: Membership): readonly Id[] {
  if (membership.outgoing.length === 0) return membership.incoming;
  return ascending([...membership.incoming, ...membership.outgoing]);
}

export function confStateOf(membership: Membership): ConfState {
  return {
    voters: membership.incoming,
    votersOutgoing: membership.outgoing,
    learners: membership.learners,
    learnersNext: membership.learnersNext,
    autoLeave: membership.autoLeave,
  };
}

export interface InflightLimits {
  readonly count: number;
  readonly bytes: number;
}

/**
 * A member of whom nothing is known yet. It starts at the end of the log, where a single refused
 * append tells where it really is, and counts as active so that it has a round to answer.
 */
export function newProgress(
  lastIndex: number,
  isLearner: boolean,
  limits: InflightLimits,
): Progress {
  return new Progress({
    match: 0,
    next: Math.max(lastIndex, 1),
    isLearner,
    recentActive: true,
    inflights: new Inflights(limits.count, limits.bytes),
  });
}

/** The configuration that a snapshot or the stable storage holds. */
export function restoreMembership(
  confState: ConfState,
  lastIndex: number,
  limits: InflightLimits,
): Tracked {
  const membership: Membership = {
    incoming: ascending(confState.voters),
    outgoing: ascending(confState.votersOutgoing),
    learners: ascending(confState.learners),
    learnersNext: ascending(confState.learnersNext),
    autoLeave: confState.autoLeave,
  };
  const progress = new Map<Id, Progress>();
  for (const id of ascending([...allVoters(membership), ...membership.learners])) {
    progress.set(id, newProgress(lastIndex, membership.learners.includes(id), limits));
  }
  return { membership, progress };
}
