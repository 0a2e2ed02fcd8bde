import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemberOptions } from './testing/member.ts';
import { RandomCluster } from './testing/random-cluster.ts';

const total = { elections: 0, applied: 0, reads: 0, snapshots: 0, confChanges: 0, crashes: 0 };

function hold(size: number, changes: boolean, options: MemberOptions, runs: number): void {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const cluster = new RandomCluster({ seed, size, steps: 4000, changes, options });
      cluster.run();
      for (const key of Object.keys(total) as (keyof typeof total)[]) {
        total[key] += cluster.oracle.seen[key];
      }
    }),
    { numRuns: runs },
  );
}

describe('under loss, duplication, reordering, partitions and crashes', () => {
  it('three members that write in order keep every rule and agree afterwards', () => {
    hold(3, false, {}, 40);
  });

  it('five members that write asynchronously keep every rule and agree afterwards', () => {
    hold(5, false, { asyncStorageWrites: true }, 40);
  });

  it('members without pre-vote and check-quorum keep every rule', () => {
    hold(3, false, { preVote: false, checkQuorum: false, asyncStorageWrites: true }, 30);
  });

  it('a group whose members change, one by one and jointly, keeps every rule', () => {
    hold(3, true, { stepDownOnRemoval: true }, 80);
  });

  it('a group whose members change keeps every rule with asynchronous writes', () => {
    hold(3, true, { stepDownOnRemoval: true, asyncStorageWrites: true }, 80);
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
