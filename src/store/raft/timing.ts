/** Times of consensus. All members of a store must have the same. */
export interface RaftTiming {
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  /** A follower campaigns after this many ticks without a leader, and up to twice as many. */
  readonly electionTicks: number;
}

/**
 * A leader is missed after 0.9 to 1.8 s. Much less, and a manager that stands still for a moment
 * on a busy host loses its lead for nothing.
 */
export const usualTiming: RaftTiming = { tickMs: 50, heartbeatTicks: 2, electionTicks: 18 };

/** Clocks may differ in rate by this much (DESIGN §2.5). */
const rateError = 0.01;

/**
 * For how long after the send of a heartbeat that a quorum answered no other member can have been
 * elected: whoever answered grants no vote for `electionTicks` ticks, the first of which may come at
 * once, and whoever has just restarted grants none for as long (`RaftMember.receive`).
 */
export function leadershipMs({ tickMs, electionTicks }: RaftTiming): number {
  return (electionTicks - 1) * tickMs * (1 - rateError);
}
