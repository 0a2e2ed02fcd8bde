import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChangeKind, MemberChange } from './conf-change.ts';
import { MembershipChanger } from './membership-changer.ts';
import {
  confStateOf,
  isJoint,
  nobody,
  restoreMembership,
  type Membership,
  type Tracked,
} from './membership.ts';
import type { Id } from './types.ts';

const limits = { count: 4, bytes: Number.POSITIVE_INFINITY };
const kinds: readonly ChangeKind[] = ['addVoter', 'addLearner', 'remove', 'update'];
const change: fc.Arbitrary<MemberChange> = fc.record({
  kind: fc.constantFrom(...kinds),
  id: fc.integer({ min: 0, max: 6 }),
});
const step = fc.record({
  how: fc.constantFrom('simple', 'enter', 'leave'),
  autoLeave: fc.boolean(),
  changes: fc.array(change, { maxLength: 5 }),
});

function holds({ membership, progress }: Tracked): void {
  const { incoming, outgoing, learners, learnersNext, autoLeave } = membership;
  expect(incoming.length).toBeGreaterThan(0);
  const voters = new Set([...incoming, ...outgoing]);
  expect(learners.filter((id) => voters.has(id))).toEqual([]);
  expect(learnersNext.filter((id) => !outgoing.includes(id) || incoming.includes(id))).toEqual([]);
  expect([...progress.keys()]).toEqual(
    [...new Set([...voters, ...learners])].sort((a, b) => a - b),
  );
  for (const [id, one] of progress) expect(one.isLearner).toBe(learners.includes(id));
  const joint = isJoint(membership);
  expect(joint ? [] : learnersNext).toEqual([]);
  expect(autoLeave && !joint).toBe(false);
}

function majorities(ids: readonly Id[]): readonly (readonly Id[])[] {
  const found: Id[][] = [];
  for (let mask = 0; mask < 1 << ids.length; mask++) {
    const some = ids.filter((_, at) => (mask & (1 << at)) !== 0);
    if (some.length * 2 > ids.length) found.push(some);
  }
  return found;
}

function quorumsOf(membership: Membership): readonly (readonly Id[])[] {
  if (!isJoint(membership)) return majorities(membership.incoming);
  return majorities(membership.incoming).flatMap((one) =>
    majorities(membership.outgoing).map((other) => [...one, ...other]),
  );
}

/** Pairs of quorums, one of each, that have nobody in common. */
function quorumsApart(before: Membership, after: Membership): readonly unknown[] {
  if (before.incoming.length === 0) return [];
  return quorumsOf(before).flatMap((one) =>
    quorumsOf(after)
      .filter((other) => !one.some((id) => other.includes(id)))
      .map((other) => [one, other]),
  );
}

describe('the configuration changer', () => {
  it('keeps its invariants, and two quorums of neighbouring configurations always meet', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        let tracked: Tracked = { membership: nobody, progress: new Map() };
        for (const [at, { how, autoLeave, changes }] of steps.entries()) {
          const before = JSON.stringify([tracked.membership, [...tracked.progress]]);
          const changer = new MembershipChanger(tracked, at, limits);
          const changed =
            how === 'simple'
              ? changer.simple(changes)
              : how === 'enter'
                ? changer.enterJoint(autoLeave, changes)
                : changer.leaveJoint();
          expect(JSON.stringify([tracked.membership, [...tracked.progress]])).toBe(before);
          if ('refused' in changed) continue;
          holds(changed);
          expect(quorumsApart(tracked.membership, changed.membership)).toEqual([]);
          const restored = restoreMembership(confStateOf(changed.membership), at, limits);
          expect(restored.membership).toEqual(changed.membership);
          holds(restored);
          tracked = changed;
        }
      }),
    );
  });
});
