import { expect, test } from 'vitest';
import { ConsensusChecker } from './consensus.ts';
import type { Fact } from './history.ts';
import { LeaseChecker } from './leases.ts';

const elected = (member: string, term: number): Fact => ({ kind: 'raftElected', member, term });

/** A member applies an entry; the digest stands for what the entry says. */
const applied = (member: string, index: number, term = 1, digest = index): Fact => ({
  kind: 'raftApplied',
  member,
  run: member,
  index,
  term,
  digest,
});

const restored = (
  member: string,
  index: number,
  digest = 0,
  expected: number | null = 0,
): Fact => ({
  kind: 'raftRestored',
  member,
  run: member,
  from: 'peer',
  index,
  digest,
  expected,
});

function judge(...facts: readonly Fact[]): readonly string[] {
  const checker = new ConsensusChecker();
  return facts.flatMap((fact) => checker.take(fact));
}

test('members that apply the same entries in order are fine, also after a restart', () => {
  const again = { ...applied('a', 2), run: 'a#2' } as Fact;
  const anew = { ...restored('a', 1), run: 'a#2' } as Fact;
  const start = [restored('a', 1), restored('b', 1), elected('a', 1), elected('b', 2)];
  expect(judge(...start, applied('a', 2), applied('b', 2), anew, again)).toEqual([]);
});

test('two leaders of one term are told', () => {
  expect(judge(elected('a', 4), elected('a', 4), elected('b', 4))).toEqual([
    'b was elected in term 4, and so was a',
  ]);
});

test('another entry at an index that somebody has applied is told', () => {
  const start = [restored('a', 1), restored('b', 1), applied('a', 2)];
  expect(judge(...start, applied('b', 2, 3))).toHaveLength(1);
  expect(judge(...start, applied('b', 2, 1, 77))).toHaveLength(1);
});

test('a gap, and an entry that is applied twice by one process, are told', () => {
  expect(judge(restored('a', 1), applied('a', 3))).toEqual(['a applied entry 3 after 1']);
  expect(judge(restored('a', 1), applied('a', 2), applied('a', 2))).toHaveLength(1);
});

test('a snapshot that is not the state of its index is told', () => {
  expect(judge(restored('a', 5, 10, 10))).toEqual([]);
  expect(judge(restored('a', 5, 10, 11))).toHaveLength(1);
  expect(judge(restored('a', 9, 10, null))).toEqual([
    'a has a snapshot of entry 9, nobody applied more than 0',
  ]);
});

test('a manager that takes itself for the leader beside a new one is told, unless its clock misled it', () => {
  const leases = (...facts: readonly Fact[]): readonly string[] => {
    const checker = new LeaseChecker();
    return facts.flatMap((fact) => checker.take(fact, 1000));
  };
  const still: Fact = { kind: 'stillLeads', manager: 'm-1', epoch: 7 };
  expect(leases(still)).toEqual(['m-1 still takes itself for the leader when epoch 7 begins']);
  expect(leases({ kind: 'leaderFooled', manager: 'm-1' }, still)).toEqual([]);
});
