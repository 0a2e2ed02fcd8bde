import { expect, test } from 'vitest';
import { SimCluster } from '../sim/cluster.ts';
import { nodeId } from '../../src/core/model/ids.ts';

/**
 * A manager that did not lead remembers the boot before the last one and nothing since. When it
 * takes over, that memory must not pass for a reboot of the node that runs VMs now.
 */
test('N8: a boot id remembered from before the admission proves no reboot', async () => {
  const cluster = new SimCluster({
    seed: 1,
    managers: 2,
    nodes: 2,
    bootMs: 5000,
    declareCapacity: true,
  });
  const { time, network, writes } = cluster.world;
  await cluster.start();
  await time.runFor(3000);
  const [leader] = cluster.leaders();
  const follower = cluster.managers.find((each) => each !== leader);
  if (leader === undefined || follower === undefined) throw new Error('no leader, no follower');
  network.cutBoth(follower.name, 'node-1');
  cluster.node('node-1').machine.reset();
  await time.runFor(15_000);
  await cluster.createVm('vm-1', { nodes: [nodeId('node-1')] });
  await cluster.createVm('vm-2');
  const run = (): boolean => ['vm-1', 'vm-2'].every((vm) => cluster.whereIs(vm).length === 1);
  expect(await time.runUntil(run, 20_000)).toBe(true);
  cluster.store.cut(leader.name);
  cluster.store.expire(leader.name, { tell: false });
  await time.runFor(30_000);
  expect(writes.overlaps()).toEqual([]);
});
