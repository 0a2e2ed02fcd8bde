import type { Id } from './types.ts';

/** `won` and `lost` are final; `pending` may become either. */
export type VoteResult = 'won' | 'lost' | 'pending';

/**
 * Decision of a majority of `voters` (ascending). Nobody to ask is won, so that the empty half of a
 * configuration that is not joint never holds the other half back.
 */
export function majorityVote(
  voters: readonly Id[],
  voteOf: (id: Id) => boolean | undefined,
): VoteResult {
  if (voters.length === 0) return 'won';
  let yes = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = voteOf(id);
    if (vote === undefined) missing++;
    else if (vote) yes++;
  }
  const needed = (voters.length >> 1) + 1;
  if (yes >= needed) return 'won';
  return yes + missing >= needed ? 'pending' : 'lost';
}

/**
 * The highest index that a majority has acknowledged. A voter without an acknowledged index counts
 * as 0; without voters there is nothing to wait for, hence Infinity.
 */
export function majorityIndex(
  voters: readonly Id[],
  ackedOf: (id: Id) => number | undefined,
): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const acked = voters.map((id) => ackedOf(id) ?? 0).sort((a, b) => b - a);
  return acked[voters.length >> 1] as number;
}

/** A decision of two majorities: both must be won, one lost is lost. */
export function jointVote(
  incoming: readonly Id[],
  outgoing: readonly Id[],
  voteOf: (id: Id) => boolean | undefined,
): VoteResult {
  const one = majorityVote(incoming, voteOf);
  const other = majorityVote(outgoing, voteOf);
  if (one === other) return one;
  return one === 'lost' || other === 'lost' ? 'lost' : 'pending';
}

export function jointIndex(
  incoming: readonly Id[],
  outgoing: readonly Id[],
  ackedOf: (id: Id) => number | undefined,
): number {
  return Math.min(majorityIndex(incoming, ackedOf), majorityIndex(outgoing, ackedOf));
}
