import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemberOptions } from './testing/member.ts';
import { RandomCluster } from './testing/random-cluster.ts';

const total = { elections: 0, applied: 0, reads: 0, snapshots: 0, confChanges: 0, crashes: 0 };

interface Held {
  readonly size: number;
  readonly changes?: boolean;
  readonly mustRest?: boolean;
  readonly options: MemberOptions;
  readonly runs: number;
}

/** Throws when a rule is broken; how many leaders were elected. */
function hold({ size, changes = false, mustRest = true, options, runs }: Held): number {
  let elections = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const cluster = new RandomCluster({ seed, size, steps: 4000, changes, mustRest, options });
      cluster.run();
      elections += cluster.oracle.seen.elections;
      for (const key of Object.keys(total) as (keyof typeof total)[]) {
        total[key] += cluster.oracle.seen[key];
      }
    }),
    { numRuns: runs },
  );
  return elections;
}

describe('under loss, duplication, reordering, partitions and crashes', () => {
  it('three members that write in order keep every rule and agree afterwards', () => {
    expect(hold({ size: 3, options: {}, runs: 25 })).toBeGreaterThan(0);
  });

  it('five members that write asynchronously keep every rule and agree afterwards', () => {
    expect(hold({ size: 5, options: { asyncStorageWrites: true }, runs: 25 })).toBeGreaterThan(0);
  });

  it('members without pre-vote and check-quorum keep every rule and agree afterwards', () => {
    const options = { preVote: false, checkQuorum: false, asyncStorageWrites: true };
    expect(hold({ size: 3, options, runs: 20 })).toBeGreaterThan(0);
  });

  it('a group whose members change, one by one and jointly, agrees afterwards', () => {
    expect(hold({ size: 3, changes: true, options: {}, runs: 50 })).toBeGreaterThan(0);
  });

  it('a group whose members change agrees afterwards with asynchronous writes', () => {
    expect(
      hold({ size: 3, changes: true, options: { asyncStorageWrites: true }, runs: 50 }),
    ).toBeGreaterThan(0);
  });

  it('leaders that step down when they apply their own removal keep every rule', () => {
    // They may leave a group that cannot elect anybody: see docs/raft.md.
    const options = { stepDownOnRemoval: true, asyncStorageWrites: true };
    expect(hold({ size: 3, changes: true, mustRest: false, options, runs: 30 })).toBeGreaterThan(0);
  });

  it('the runs saw what they are for', () => {
    expect(total.elections).toBeGreaterThan(200);
    expect(total.applied).toBeGreaterThan(10_000);
    expect(total.reads).toBeGreaterThan(500);
    expect(total.snapshots).toBeGreaterThan(50);
    expect(total.confChanges).toBeGreaterThan(100);
    expect(total.crashes).toBeGreaterThan(200);
  });
});
