/** Times of consensus. All members of a store must have the same. */
export interface RaftTiming {
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  /** Whoever heard the leader within so many ticks grants no vote. */
  readonly electionTicks: number;
}

/**
 * A leader is missed after 1 to 1.35 s. Much less, and a manager that stands still for a moment
 * on a busy host loses its lead for nothing.
 */
export const usualTiming: RaftTiming = { tickMs: 50, heartbeatTicks: 2, electionTicks: 18 };

/** Members tick at different moments: a vote asked for at once would be refused by half of them. */
const graceTicks = 2;
/** Rounds of votes take milliseconds, so a narrow spread keeps candidates apart well enough. */
const spread = 0.4;

/**
 * Ticks beyond `electionTicks` after which a follower campaigns. `fraction`: by chance, 0 to 1. A
 * witness lets all others have two turns first: its lead is good only for handing it over.
 */
export function campaignDelayTicks(
  fraction: number,
  electionTicks: number,
  isWitness = false,
): number {
  const turns = isWitness ? 2 : 0;
  return graceTicks + Math.floor((turns + fraction) * electionTicks * spread);
}

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
