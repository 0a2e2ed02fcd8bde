import { expect, test } from 'vitest';
import { SimCluster } from './cluster.ts';
import type { SimClusterOptions } from './cluster.ts';

const vms = ['vm-1', 'vm-2', 'vm-3'];

/** A cluster whose VMs all run. */
async function settledCluster(options: Partial<SimClusterOptions> = {}): Promise<SimCluster> {
  const cluster = new SimCluster({
    seed: 1,
    managers: 3,
    nodes: 3,
    declareCapacity: true,
    ...options,
  });
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

test('N1: VMs of a node that lost power run elsewhere within 20 s, never twice', async () => {
  const cluster = await settledCluster();
  const [home = ''] = cluster.whereIs('vm-1');
  cluster.node(home).machine.powerOff();
  expect(cluster.whereIs('vm-1')).toEqual([]);
  expect(await everyVmRuns(cluster, 20_000)).toBe(true);
  expect(cluster.whereIs('vm-1')).not.toContain(home);
  expect(cluster.node(home).bmc.executed.off).toBe(0);
  expect(cluster.world.writes.overlaps()).toEqual([]);
});

test('N9: VMs run on while the agent of their node crashes and comes back', async () => {
  const cluster = await settledCluster();
  const [home = ''] = cluster.whereIs('vm-1');
  const before = cluster.world.writes.disks().map((disk) => cluster.world.writes.intervals(disk));
  cluster.node(home).machine.crashAgent();
  await cluster.world.time.runFor(60_000);
  expect(cluster.node(home).agent).not.toBeNull();
  expect(cluster.node(home).bmc.received.off).toBe(0);
  expect(cluster.world.writes.disks().map((disk) => cluster.world.writes.intervals(disk))).toEqual(
    before,
  );
});

test('M3: with two managers that believe they lead, a dead node is still recovered once', async () => {
  const cluster = await settledCluster({ storeLeaseMs: 30_000 });
  const [old] = cluster.leaders();
  if (old === undefined) throw new Error('no leader');
  cluster.store.expire(old.name, { tell: false });
  const { time, writes } = cluster.world;
  expect(await time.runUntil(() => cluster.leaders().length === 2, 10_000)).toBe(true);
  const [home = ''] = cluster.whereIs('vm-1');
  cluster.node(home).machine.powerOff();
  expect(await everyVmRuns(cluster, 40_000)).toBe(true);
  expect(writes.overlaps()).toEqual([]);
});

test('a write log that saw a double writer would say so', async () => {
  const cluster = await settledCluster();
  const [home = ''] = cluster.whereIs('vm-1');
  const domain = cluster
    .node(home)
    .hypervisor.domains()
    .find((each) => each.name === 'vm-1');
  const other = cluster.nodes.find((node) => node.name !== home);
  if (domain === undefined || other === undefined) throw new Error('nothing to double');
  other.hypervisor.startByHand(domain.vm, 'vm-1');
  expect(cluster.world.writes.overlaps()).toMatchObject([{ second: { writer: { token: null } } }]);
});

test('one seed gives one run, however messages are kept apart', async () => {
  const runs = ['freeze', 'freeze', 'reference', 'json'] as const;
  const hashes: string[] = [];
  for (const isolation of runs) {
    const cluster = await settledCluster({ isolation });
    cluster.node('node-1').machine.powerOff();
    await cluster.world.time.runFor(20_000);
    hashes.push(cluster.world.time.hash());
  }
  expect(new Set(hashes).size).toBe(1);
});
