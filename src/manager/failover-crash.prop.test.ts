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

/** Effects of the leader that reach from the silence past the end of the failover. */
const effects = { powerOff: 42, panic: 60 } as const;

const anyCase = fc.constantFrom('powerOff', 'panic').chain((loss) =>
  fc.record({
    loss: fc.constant(loss),
    seed: fc.nat(1000),
    effect: fc.integer({ min: 1, max: effects[loss] }),
  }),
);

test('M1: a failover whose leader dies at any step is carried on: each VM runs once', async () => {
  await fc.assert(
    fc.asyncProperty(anyCase, async ({ loss, seed, effect }) => {
      const cluster = await settledCluster(seed);
      const leader = leaderOf(cluster);
      const [home = ''] = cluster.whereIs('vm-1');
      const node = cluster.node(home);
      const { world } = cluster;
      node.machine[loss]();
      await world.time.runFor(2900);
      leader.process?.beforeEffect(effect, () => leader.machine.crash('manager'));
      await world.time.runFor(5000);
      expect(await everyVmRuns(cluster, 60_000)).toBe(true);
      await world.time.runFor(10_000);
      expect(world.writes.overlaps()).toEqual([]);
      expect(vms.map((vm) => cluster.whereIs(vm).length)).toEqual([1, 1, 1, 1]);
      // One that is off already is sent nothing, one that hangs is switched off once.
      expect(node.bmc.executed.off).toBe(loss === 'panic' ? 1 : 0);
    }),
    { numRuns: 20 },
  );
});
