import { expect, test } from 'vitest';
import { ManagerWorld } from './testing/manager-world.ts';
import { fakeDevice, onlineNode, runningVm } from './testing/test-objects.ts';

test('a device that refuses for an hour costs one write per command, and the last are kept', async () => {
  const world = new ManagerWorld();
  const device = world.fencing.add('node-1');
  device.failure = (call) => (call === 'off' ? 'BMC_BUSY' : null);
  await world.seed(onlineNode('node-1'), runningVm(1, 'node-1'));
  const seat = await world.lead();
  await world.run(3_600_000);
  expect(device.count('off')).toBeGreaterThan(30);
  expect(world.log.lines('error')).toEqual([]);
  const shown = await world.ask(seat, (service) => service.node('node-1'));
  expect(shown.fence?.attempts).toHaveLength(20);
  const before = world.store.machine.revision;
  const sent = device.count('off');
  await world.run(600_000);
  const writes = world.store.machine.revision - before;
  expect(writes).toBeLessThanOrEqual(2 * (device.count('off') - sent));
  await world.wait(seat.manager.stop());
});

test('a node whose device must read Off for ten minutes is proven dead after them', async () => {
  const world = new ManagerWorld();
  const device = world.fencing.add('node-1');
  device.power = 'off';
  const settleMs = 600_000;
  const fenceTopology = [{ devices: [fakeDevice('node-1', { settleMs })] }];
  await world.seed(onlineNode('node-1', { fenceTopology }), runningVm(1, 'node-1'));
  const seat = await world.lead();
  await world.run(500_000);
  expect(world.node('node-1').phase).not.toBe('fenced');
  await world.until(() => world.node('node-1').phase === 'fenced', 200_000);
  await world.wait(seat.manager.stop());
});
