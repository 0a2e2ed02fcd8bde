import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noLab, WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import { loseLeaderInFailover } from './leader-loss-round.ts';

/** All rounds on both stores: `npm run lab:leader-loss`. */
describe.skipIf(noLab.skip)(`three managers on their own store lose the leader${noLab.why}`, () => {
  let site: WatchedCluster;

  beforeAll(async () => {
    site = await WatchedCluster.up({ vms: 3, managers: 3 });
  }, 120_000);
  afterAll(async () => site.down());

  test.each([
    ['intent', 'longPause'],
    ['off', 'cut'],
    ['placed', 'kill'],
  ] as const)(
    'M1 M2: at %s by %s: the next one completes the failover, and each VM starts once',
    { timeout: 120_000 },
    async (step, fault) => {
      const round = await loseLeaderInFailover(site, step, fault);
      expect(round.problems).toEqual([]);
      expect(round.nextLeader).not.toBe(round.leader);
    },
  );

  test('I1: the witness saw every disk all the time, and never two writers on one', () => {
    for (const report of site.testimony()) {
      expect(report.overlaps).toEqual([]);
      expect(report.unreadable).toEqual([]);
    }
  });
});
