import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jointIndex, jointVote, majorityIndex, majorityVote } from './quorum.ts';
import type { Id } from './types.ts';

const voters = fc
  .uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 7 })
  .map((ids) => ids.sort((a, b) => a - b));
const acked = fc.dictionary(
  fc.integer({ min: 1, max: 9 }).map(String),
  fc.integer({ min: 0, max: 12 }),
);
const votes = fc.dictionary(fc.integer({ min: 1, max: 9 }).map(String), fc.boolean());

/** From the definition: the highest index that more than half have reached. */
function bruteIndex(ids: readonly Id[], ackedOf: (id: Id) => number | undefined): number {
  if (ids.length === 0) return Number.POSITIVE_INFINITY;
  for (let index = 12; index > 0; index--) {
    if (ids.filter((id) => (ackedOf(id) ?? 0) >= index).length * 2 > ids.length) return index;
  }
  return 0;
}

/** From the definition: what all ways in which the missing votes may fall have in common. */
function bruteVote(halves: readonly (readonly Id[])[], voteOf: (id: Id) => boolean | undefined) {
  const missing = [...new Set(halves.flat())].filter((id) => voteOf(id) === undefined);
  const outcomes = new Set<boolean>();
  for (let mask = 0; mask < 1 << missing.length; mask++) {
    const yes = (id: Id): boolean => voteOf(id) ?? (mask & (1 << missing.indexOf(id))) !== 0;
    const won = halves.every(
      (half) => half.length === 0 || half.filter(yes).length * 2 > half.length,
    );
    outcomes.add(won);
  }
  if (outcomes.size === 2) return 'pending';
  return outcomes.has(true) ? 'won' : 'lost';
}

describe('a quorum', () => {
  it('has committed what more than half of its voters store', () => {
    fc.assert(
      fc.property(voters, voters, acked, (one, other, map) => {
        const ackedOf = (id: Id): number | undefined => map[id];
        expect(majorityIndex(one, ackedOf)).toBe(bruteIndex(one, ackedOf));
        const both = Math.min(bruteIndex(one, ackedOf), bruteIndex(other, ackedOf));
        expect(jointIndex(one, other, ackedOf)).toBe(both);
      }),
    );
  });

  it('has decided when no missing vote can change the outcome', () => {
    fc.assert(
      fc.property(voters, voters, votes, (one, other, map) => {
        const voteOf = (id: Id): boolean | undefined => map[id];
        expect(majorityVote(one, voteOf)).toBe(bruteVote([one], voteOf));
        const joint = jointVote(one, other, voteOf);
        const brute = bruteVote([one, other], voteOf);
        // Both halves pending may already exclude each other; that is not looked for.
        expect(joint === 'pending' && brute === 'lost' ? brute : joint).toBe(brute);
      }),
    );
  });
});
