import { expect, test } from 'vitest';
import { AgentWorld, otherVm, testVm } from './testing/agent-world.ts';

test('N11: hypervisor hung: the report says unreachable without domains, heartbeats go on', async () => {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(1))).toBe('done');
  await world.until(() => world.manager.report.domains?.length === 1);
  world.host.hangDaemon();
  await world.until(() => world.manager.report.hypervisor === 'unreachable');
  expect(world.manager.report.domains).toBeNull();
  const heartbeats = world.manager.heartbeats.length;
  await world.time.runFor(10_000);
  expect(world.manager.heartbeats.length).toBeGreaterThan(heartbeats + 18);
  expect(world.agent?.status().leaseLeftMs).toBeGreaterThan(5000);
  expect(world.host.writers()).toEqual([testVm]);
});

test('N11: while the daemon is gone no report claims a VM is gone; back, it is seen again', async () => {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(1))).toBe('done');
  await world.until(() => world.manager.report.domains?.length === 1);
  world.host.killDaemon();
  await world.until(() => world.manager.report.hypervisor === 'unreachable', 500);
  await world.time.runFor(30_000);
  world.host.startDaemon();
  await world.until(() => world.manager.report.hypervisor === 'ok', 3000);
  expect(world.manager.reports.some(({ domains }) => domains?.length === 0)).toBe(true);
  const since = world.manager.reports.findIndex(({ domains }) => domains?.length === 1);
  const later = world.manager.reports.slice(since);
  expect(later.every(({ domains }) => domains === null || domains.length === 1)).toBe(true);
});

test('N12: a VM that died is reported within a moment, with the reason', async () => {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(1))).toBe('done');
  await world.until(() => world.manager.report.domains?.[0]?.active === true);
  world.host.crash(testVm);
  await world.until(() => world.manager.report.domains?.[0]?.active === false, 200);
  expect(world.manager.report.domains).toMatchObject([{ state: 'shutOff', reason: 'crashed' }]);
});

test('V15: a VM started by hand is reported within 5 s, without a permit', async () => {
  const world = await AgentWorld.ready();
  world.host.startByHand(otherVm, 'stranger');
  await world.until(() => world.manager.report.domains?.length === 1, 5000);
  expect(world.manager.report.domains).toMatchObject([{ vm: otherVm, active: true, permit: null }]);
});

test('a burst of changes goes into few reports, and nothing new is not reported', async () => {
  const world = await AgentWorld.ready();
  const before = world.manager.reports.length;
  for (let index = 0; index < 10; index += 1) {
    world.host.startByHand(`${otherVm.slice(0, -1)}${index}` as typeof otherVm, `vm-${index}`);
  }
  await world.until(() => world.manager.report.domains?.length === 10);
  await world.time.runFor(60_000);
  expect(world.manager.reports.length - before).toBeLessThanOrEqual(2);
});

test('sequences of reports grow over reconnections', async () => {
  const world = await AgentWorld.ready();
  for (let round = 1; round <= 3; round += 1) {
    expect(await world.run(world.startCommand(round))).toBe('done');
    await world.time.runFor(300);
    world.manager.hangUp();
    await world.until(() => world.manager.hellos.length === round + 1);
    expect(await world.run(world.releaseCommand(round))).toBe('done');
    await world.time.runFor(300);
  }
  const sequences = world.manager.reports.map(({ sequence }) => sequence);
  expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
});

test('the capacity is the hypervisor\u2019s, or the one that was configured', async () => {
  const world = await AgentWorld.ready();
  await world.until(() => world.manager.report.capacity.vcpus > 0);
  expect(world.manager.report.capacity).toEqual({ memoryMiB: 4096, vcpus: 8 });
  const capacity = { memoryMiB: 100, vcpus: 2 };
  const other = await AgentWorld.ready({ config: { capacity } });
  expect(other.manager.report.capacity).toEqual(capacity);
});
