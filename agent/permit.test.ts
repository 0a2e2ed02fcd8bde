import { expect, test } from 'vitest';
import { AgentWorld, testVm } from './testing/agent-world.ts';

/** A VM that runs under token 1 of an agent that is gone, and its successor. */
async function restarted(): Promise<AgentWorld> {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(1))).toBe('done');
  world.crash();
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  await world.until(() => world.manager.report.hypervisor === 'ok');
  await world.until(() => world.agent?.status().leaseLeftMs !== null);
  return world;
}

const carried = (world: AgentWorld) => world.host.domains()[0]?.live?.permit;

test('N9: a running domain is re-permitted without a touch of the guest', async () => {
  const world = await restarted();
  const permit = world.permitCommand(2, 1);
  expect(await world.run(permit)).toBe('done');
  expect(carried(world)).toEqual(permit.permit);
  expect(world.host.domains()[0]?.boots).toBe(1);
  await world.until(() => world.manager.report.domains?.[0]?.permit?.token === 2);
});

test('U10: a domain without a permit is adopted with previousToken null', async () => {
  const world = await AgentWorld.ready();
  world.host.startByHand(testVm, 'pet');
  expect(await world.run(world.permitCommand(1, null))).toBe('done');
  expect(carried(world)?.token).toBe(1);
});

test('a permit is refused when the domain carries another token than expected', async () => {
  const world = await restarted();
  expect(await world.run(world.permitCommand(2, null))).toBe('refused conflict');
  expect(await world.run(world.permitCommand(3, 2))).toBe('refused conflict');
  expect(carried(world)?.token).toBe(1);
});

test('a permit for a VM that is off or not here is refused', async () => {
  const world = await restarted();
  world.host.guestShutdown(testVm);
  expect(await world.run(world.permitCommand(2, 1))).toBe('refused conflict');
  expect(await world.run(world.releaseCommand(2))).toBe('done');
  expect(await world.run(world.permitCommand(3, 2))).toBe('refused unknownVm');
});

test('a permit needs a lease', async () => {
  const world = await restarted();
  world.manager.lease = false;
  await world.time.runFor(7000);
  expect(await world.run(world.permitCommand(2, 1))).toBe('refused lease');
  expect(carried(world)?.token).toBe(1);
});

test('N7: a permit whose lease ran out while the state file was written is not set', async () => {
  const world = await AgentWorld.ready({ diskLatencyMs: 300 });
  world.host.startByHand(testVm, 'pet');
  const permit = world.permitCommand(1, null);
  world.manager.command([permit]);
  await world.until(() => world.agent?.status().pending === 1);
  await world.time.runFor(300);
  world.process.pause('stopped');
  world.manager.lease = false;
  await world.time.runFor(60_000);
  world.process.resume('stopped');
  await world.until(() => world.lastOutcome(permit.operation) !== 'none');
  expect(world.lastOutcome(permit.operation)).toBe('refused lease');
  expect(carried(world)).toBeNull();
});

test('a permit whose answer was lost is found on the domain: done', async () => {
  const world = await restarted();
  world.host.inject('setPermit', { kind: 'ackLost', effectAfterMs: 100 });
  expect(await world.run(world.permitCommand(2, 1))).toBe('done');
  expect(carried(world)?.token).toBe(2);
});

test('a permit that was lost on its way is written again: done', async () => {
  const world = await restarted();
  world.host.inject('setPermit', { kind: 'lost' });
  expect(await world.run(world.permitCommand(2, 1))).toBe('done');
  expect(carried(world)?.token).toBe(2);
});

test('N11: a permit while the hypervisor is gone is refused', async () => {
  const world = await restarted();
  world.host.killDaemon();
  expect(await world.run(world.permitCommand(2, 1))).toBe('refused conflict');
});

test('N11: a permit with an unknown end is ambiguous; repeated, it is finished', async () => {
  const world = await restarted();
  world.host.inject('setPermit', { kind: 'lost' });
  const permit = world.permitCommand(2, 1);
  world.manager.command([permit]);
  await world.time.runFor(1000);
  world.host.hangDaemon();
  await world.until(() => world.lastOutcome(permit.operation) === 'ambiguous', 90_000);
  world.host.resumeDaemon();
  await world.until(() => world.manager.report.hypervisor === 'ok');
  expect(await world.run(permit)).toBe('done');
  expect(carried(world)?.token).toBe(2);
});
