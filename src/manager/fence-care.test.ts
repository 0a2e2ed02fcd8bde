import { expect, test } from 'vitest';
import { ManagerWorld } from './testing/manager-world.ts';
import { domainOf } from './testing/fake-agent.ts';
import { onlineNode, runningVm } from './testing/test-objects.ts';

/** A node that runs a VM, and its BMC; the leader has led long enough to have checked it once. */
async function careBench() {
  const world = new ManagerWorld();
  await world.seed(onlineNode('node-1'), runningVm(1, 'node-1'));
  const device = world.fencing.add('node-1');
  const seat = await world.lead();
  const { permit } = runningVm(1, 'node-1');
  if (permit === null) throw new Error('no permit');
  const agent = await world.agent({ node: 'node-1', domains: [domainOf('vm-1', permit)] });
  await world.until(() => agent.leases > 0);
  const check = () => world.node('node-1').fenceChecks?.['node-1/bmc'];
  const events = () => world.eventCodes().filter((code) => code.startsWith('FENCE_DEVICE'));
  const view = () => world.ask(seat, () => seat.manager.service.node('node-1'));
  return { world, device, seat, check, events, view };
}

test('B2: every device is checked on a schedule with what would fence, and only changes are recorded', async () => {
  const it = await careBench();
  await it.world.run(5000);
  const revision = it.world.store.machine.revision;
  await it.world.until(() => it.device.count('identity') > 0, 6 * 60_000);
  await it.world.run(5000);
  expect(it.world.eventCodes()).toEqual([]);
  expect(it.world.store.machine.revision).toBe(revision);
  expect(it.check()).toBeUndefined();
  expect((await it.view()).fenceDevices[0]?.lastCheck).toMatchObject({ power: 'on' });
  it.world.fencing.probeError = 'AUTH_PASSWORD';
  await it.world.until(() => it.check()?.error?.code === 'AUTH_PASSWORD', 65 * 60_000);
  expect(await it.view()).toMatchObject({ fenceGrade: 'failing', readiness: [] });
  it.world.fencing.probeError = null;
  await it.world.until(() => it.check()?.error === null, 3 * 60_000);
  expect(it.events()).toEqual(['FENCE_DEVICE_FAILING', 'FENCE_DEVICE_READY']);
  expect(await it.view()).toMatchObject({ fenceGrade: 'ready', readiness: ['power'] });
});

test('B1: a device that did not answer once is asked again before it counts', async () => {
  const it = await careBench();
  const testIt = () =>
    it.world.ask(it.seat, () => it.seat.manager.service.testFence('node-1', { device: null }));
  it.world.fencing.probeError = 'UNREACHABLE';
  expect(await testIt()).toMatchObject([{ ok: false, error: { code: 'UNREACHABLE' } }]);
  expect(it.check()).toBeUndefined();
  expect(await testIt()).toMatchObject([{ ok: false }]);
  expect(it.check()?.error?.code).toBe('UNREACHABLE');
});

test('O7: a device that shows another identity than the enrolled one is found by the check', async () => {
  const it = await careBench();
  it.device.identity = 'guid-of-another';
  const tests = await it.world.ask(it.seat, () =>
    it.seat.manager.service.testFence('node-1', { device: 'bmc' }),
  );
  expect(tests).toMatchObject([{ device: 'node-1/bmc', error: { code: 'IDENTITY_MISMATCH' } }]);
  expect(it.check()?.error?.code).toBe('IDENTITY_MISMATCH');
});

test('B7: a device that reads Off of a node that is heard cannot be relied on', async () => {
  const it = await careBench();
  it.device.power = 'off';
  await it.world.ask(it.seat, () => it.seat.manager.service.testFence('node-1', { device: null }));
  expect(it.check()?.error?.code).toBe('BMC_LIED');
});

test('a device that is not there cannot be tested', async () => {
  const it = await careBench();
  const refused = await it.world.refused(it.seat, () =>
    it.seat.manager.service.testFence('node-1', { device: 'pdu' }),
  );
  expect(refused).toMatchObject({ code: 'E_NOT_FOUND' });
});
