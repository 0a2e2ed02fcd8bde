import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimCluster } from '../../chaos/sim/cluster.ts';

const vms = ['vm-1', 'vm-2', 'vm-3', 'vm-4'];

/** Three managers and three nodes on which all VMs run. */
async function settledCluster(seed: number): Promise<SimCluster> {
  const cluster = new SimCluster({ seed, managers: 3, nodes: 3, declareCapacity: true });
  await cluster.start();
  for (const vm of vms) await cluster.createVm(vm);
  expect(await everyVmRuns(cluster, 30_000)).toBe(true);
  return cluster;
}

function everyVmRuns(cluster: SimCluster, withinMs: number): Promise<boolean> {
  return cluster.world.time.runUntil(
    () => vms.every((vm) => cluster.whereIs(vm).length === 1),
    withinMs,
  );
}

function leaderOf(cluster: SimCluster) {
  const [leader] = cluster.leaders();
  if (leader === undefined) throw new Error('no leader');
  return leader;
}

test('M1: a failover whose leader dies at any step is carried on: each VM runs once', async () => {
  const anyCase = { seed: fc.nat(1000), effect: fc.integer({ min: 1, max: 90 }) };
  await fc.assert(
    fc.asyncProperty(fc.record(anyCase), async ({ seed, effect }) => {
      const cluster = await settledCluster(seed);
      const leader = leaderOf(cluster);
      const [home = ''] = cluster.whereIs('vm-1');
      const { world } = cluster;
      // Heartbeats of the others are effects too: this reaches well into the failover and past it.
      cluster.node(home).machine.powerOff();
      await world.time.runFor(2900);
      leader.process?.beforeEffect(effect, () => leader.machine.crash('manager'));
      await world.time.runFor(5000);
      expect(await everyVmRuns(cluster, 60_000)).toBe(true);
      await world.time.runFor(10_000);
      expect(world.writes.overlaps()).toEqual([]);
      expect(vms.map((vm) => cluster.whereIs(vm).length)).toEqual([1, 1, 1, 1]);
      // Off already: no device command was needed by either leader.
      expect(cluster.node(home).bmc.received.off).toBe(0);
    }),
    { numRuns: 12 },
  );
});
