import { expect, test } from 'vitest';
import { AgentWorld, otherVm, stateFile, testVm } from './testing/agent-world.ts';

async function fullDisk(): Promise<AgentWorld> {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(1))).toBe('done');
  await world.time.runFor(1000);
  fillDisk(world);
  return world;
}

function fillDisk(world: AgentWorld): void {
  world.disk.inject({
    operation: 'write',
    path: stateFile,
    code: 'ENOSPC',
    times: Number.POSITIVE_INFINITY,
  });
}

test('N14: with a full disk VMs and heartbeats go on, a start is refused, the report says so', async () => {
  const world = await fullDisk();
  const start = world.startCommand(1, { vm: otherVm });
  expect(await world.run(start)).toBe('refused stateDisk');
  await world.until(() => world.manager.report.degraded !== null);
  expect(world.manager.report.degraded).toContain('ENOSPC');
  const heartbeats = world.manager.heartbeats.length;
  await world.time.runFor(10_000);
  expect(world.manager.heartbeats.length).toBeGreaterThan(heartbeats + 18);
  expect(world.agent?.status().leaseLeftMs).toBeGreaterThan(5000);
  expect(world.host.writers()).toEqual([testVm]);
});

test('N14: with space again it recovers by itself, and the refused start is accepted', async () => {
  const world = await fullDisk();
  const start = world.startCommand(1, { vm: otherVm });
  expect(await world.run(start)).toBe('refused stateDisk');
  await world.until(() => world.manager.report.degraded !== null);
  world.disk.clearFaults();
  await world.until(() => world.manager.report.degraded === null);
  expect(await world.run(start)).toBe('done');
});

test('N14: a command of a newer epoch is refused while that epoch cannot be written', async () => {
  const world = await fullDisk();
  world.manager.epoch = 6;
  expect(await world.run(world.releaseCommand(1))).toBe('refused stateDisk');
  world.manager.command([{ kind: 'inspect', operation: 'look', vm: testVm }]);
  await world.until(() => world.lastOutcome('look') !== 'none');
  expect(world.lastOutcome('look')).toBe('refused stateDisk');
  expect(world.host.writers()).toEqual([testVm]);
  // The newer leader is known all the same: the older one has lost its say.
  world.manager.epoch = 5;
  expect(await world.run(world.releaseCommand(1))).toBe('refused epoch');
});

test('N14: a release of a token that is on disk already goes through', async () => {
  const world = await fullDisk();
  expect(await world.run(world.releaseCommand(1))).toBe('done');
  expect(world.host.writers()).toEqual([]);
});

test('N14: a release of a newer token than the one on disk is refused', async () => {
  const world = await fullDisk();
  expect(await world.run(world.releaseCommand(2))).toBe('refused stateDisk');
  expect(world.host.writers()).toEqual([testVm]);
});

test('N14: an agent that starts on a full disk runs, and says so in its first reports', async () => {
  const world = new AgentWorld();
  await world.addManager();
  fillDisk(world);
  await world.start();
  await world.until(() => world.manager.hellos.length === 1);
  await world.until(() => world.manager.report.degraded !== null);
  await world.until(() => world.agent?.status().leaseLeftMs !== null);
  expect(await world.run(world.startCommand(1))).toBe('refused stateDisk');
  world.disk.clearFaults();
  await world.until(() => world.manager.report.degraded === null);
});

test('a damaged state file is set aside; the agent starts with an empty one', async () => {
  const world = await fullDisk();
  world.crash();
  world.disk.clearFaults();
  world.disk.flip(stateFile, 100);
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  expect(world.manager.hellos.at(-1)?.epochSeen).toBe(0);
  expect(world.disk.paths()).toContain(`${stateFile}.damaged`);
  expect(world.host.domains()[0]?.boots).toBe(1);
  // The epoch is learned again from the first lease, before anything can be started.
  await world.until(() => world.agent?.status().leaseLeftMs !== null);
  world.manager.epoch = 4;
  expect(await world.run(world.startCommand(2, { vm: otherVm }))).toBe('refused epoch');
});

test('a state file that cannot be read does not keep the agent from starting', async () => {
  const world = await fullDisk();
  world.crash();
  world.disk.clearFaults();
  world.disk.inject({ operation: 'read', path: stateFile, code: 'EIO' });
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  expect(world.agent?.status().degraded).toBeNull();
});
