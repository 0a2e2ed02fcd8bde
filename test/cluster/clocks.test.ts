import { expect, test } from 'vitest';
import type { ClusterNode } from '../../chaos/sim/cluster-node.ts';
import { clusterOfVms, strongWatchdog, type ClusterOfVms } from './testing/cluster-of-vms.ts';

/** Three nodes that fence themselves, and one of them of which only time can tell. */
async function fencingSite(): Promise<{ it: ClusterOfVms; node: ClusterNode }> {
  const names = ['node-1', 'node-2', 'node-3'];
  const it = await clusterOfVms({
    managers: 1,
    bootMs: 5000,
    watchdogs: Object.fromEntries(names.map((name) => [name, strongWatchdog])),
  });
  const node = it.homeOf('vm-1');
  await it.runFor(5000);
  node.bmc.mode = { kind: 'dead' };
  return { it, node };
}

test.each([
  [0.99, 1.01],
  [1.01, 0.99],
])(
  'C3: inside the bound of the rates a node is proven by time, and its VMs are dead by then (node %d, manager %d)',
  async (ofNode, ofManager) => {
    const { it, node } = await fencingSite();
    node.machine.clock.setRate(ofNode);
    for (const { machine } of it.cluster.managers) machine.clock.setRate(ofManager);
    await it.runFor(60_000);
    expect(it.homeOf('vm-1')).toBe(node);
    // No signal ends its VMs: the watchdog alone does, at the last instant that the proof allows for.
    for (const { vm } of node.hypervisor.domains()) {
      node.hypervisor.setTemper(vm, { starts: () => true, stops: false });
    }
    it.cluster.world.network.isolate(node.name);
    await it.until(() => !it.cluster.whereIs('vm-1').includes(node.name), 30_000);
    await it.until(() => it.everyVmRuns(), 30_000);
    expect(it.stored('fence/F-1')['proof']).toMatchObject({ kind: 'selfFence' });
    expect(it.overlaps()).toEqual([]);
  },
);

test('N27: a node that wakes up after its lease kills its VMs, although the managers are there again', async () => {
  const { it, node } = await fencingSite();
  it.cluster.world.network.isolate(node.name);
  await it.until(() => (node.agent?.status().leaseLeftMs ?? 0) < 2000, 10_000);
  // It sleeps for less than its watchdog waits, and its monotonic clock with it.
  node.machine.freeze('monotonic');
  await it.runFor(3000);
  it.cluster.world.network.healAll();
  expect(node.runningVms()).not.toEqual([]);
  node.machine.thaw();
  await it.until(() => node.runningVms().length === 0, 500);
  await it.until(() => it.everyVmRuns(), 120_000);
  expect(it.overlaps()).toEqual([]);
});
