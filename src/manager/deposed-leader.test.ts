import { expect, test } from 'vitest';
import { SimCluster } from '../../chaos/sim/cluster.ts';
import type { ClusterManager } from '../../chaos/sim/cluster-manager.ts';

const vms = ['vm-1', 'vm-2', 'vm-3'];

/**
 * A node that hangs with its power on, so that the leader must send `off`; the leader stops just
 * before it asks the device for the first time after the intent.
 */
async function stoppedInFencing(): Promise<{
  cluster: SimCluster;
  old: ClusterManager;
  home: string;
}> {
  const cluster = new SimCluster({ seed: 1, managers: 3, nodes: 3, declareCapacity: true });
  await cluster.start();
  for (const vm of vms) await cluster.createVm(vm);
  const everyVmRuns = (): boolean => vms.every((vm) => cluster.whereIs(vm).length === 1);
  expect(await cluster.world.time.runUntil(everyVmRuns, 30_000)).toBe(true);
  const [old] = cluster.leaders();
  const [home = ''] = cluster.whereIs('vm-1');
  if (old === undefined) throw new Error('no leader');
  return { cluster, old, home };
}

test('M2: a leader paused in a fence operation powers off no node that another one has brought back', async () => {
  for (const stopAt of ['FENCE_INTENT', 'acting'] as const) {
    const { cluster, old, home } = await stoppedInFencing();
    const { time, writes } = cluster.world;
    const node = cluster.node(home);
    const phase = (): string =>
      cluster.store.machine
        .list('fence/')
        .map((item) => item.value)
        .join();
    const reached = (): boolean =>
      phase().includes(stopAt === 'acting' ? '"phase":"acting"' : '"phase":"intent"');
    node.machine.panic();
    expect(await time.runUntil(reached, 20_000)).toBe(true);
    old.process?.pause('stopped');
    // The next leader fences the node, and its VMs run elsewhere.
    expect(await time.runUntil(() => node.machine.state === 'off', 60_000)).toBe(true);
    expect(
      await time.runUntil(() => vms.every((vm) => cluster.whereIs(vm).length === 1), 60_000),
    ).toBe(true);
    const sent = node.bmc.executed.off;
    node.machine.powerOn();
    const isBack = (): boolean =>
      cluster.store.machine.get(`node/${home}`)?.value.includes('"phase":"online"') === true;
    expect(await time.runUntil(isBack, 120_000)).toBe(true);
    old.process?.resume('stopped');
    await time.runFor(60_000);
    expect([stopAt, node.bmc.executed.off]).toEqual([stopAt, sent]);
    expect(node.machine.state).toBe('on');
    expect(writes.overlaps()).toEqual([]);
  }
});
