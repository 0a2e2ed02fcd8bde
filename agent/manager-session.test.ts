import { expect, test } from 'vitest';
import { AgentWorld, otherVm, testCluster, testVm } from './testing/agent-world.ts';

test('hello tells who the agent is, before anything else', async () => {
  const world = await AgentWorld.ready();
  const [hello] = world.manager.hellos;
  expect(hello).toMatchObject({
    protocol: 1,
    clusterId: testCluster,
    node: 'node-1',
    machineId: 'machine-1',
    epochSeen: 0,
    incarnation: { bootId: world.bootId, isolation: 'holding' },
  });
});

test('every manager gets heartbeats at its own interval', async () => {
  const world = await AgentWorld.ready({ managers: 3 });
  const before = world.managers.map(({ heartbeats }) => heartbeats.length);
  await world.time.runFor(10_000);
  for (const [index, { heartbeats }] of world.managers.entries()) {
    expect(heartbeats.length - (before[index] ?? 0)).toBeGreaterThanOrEqual(19);
    expect(heartbeats.length - (before[index] ?? 0)).toBeLessThanOrEqual(21);
  }
});

test('C4: the send time of a heartbeat is boot time, read before it is sent', async () => {
  const world = await AgentWorld.ready();
  await world.time.runFor(600);
  const nowMs = world.clock.boottimeMs();
  const sentAtMs = world.manager.heartbeats.at(-1)?.sentAtMs ?? 0;
  expect(sentAtMs).toBeGreaterThan(nowMs - 600);
  expect(sentAtMs).toBeLessThanOrEqual(nowMs);
});

test('N27: after a suspend the lease is over by boot time', async () => {
  const world = await AgentWorld.ready();
  world.process.pause('host');
  world.clock.stop('monotonic');
  world.network.freeze('node-1');
  world.manager.lease = false;
  await world.time.runFor(7000);
  world.clock.go();
  world.network.thaw('node-1');
  world.process.resume('host');
  await world.time.runFor(1);
  expect(world.agent?.status().leaseLeftMs).toBe(0);
});

test('X2: an acknowledgement of a heartbeat that was never sent grants nothing', async () => {
  const world = await AgentWorld.ready();
  world.manager.acknowledges = false;
  const left = world.agent?.status().leaseLeftMs ?? 0;
  await world.time.runFor(1000);
  world.manager.acknowledge(1);
  world.manager.acknowledge(1_000_000);
  await world.time.runFor(100);
  expect(world.agent?.status().leaseLeftMs).toBeLessThan(left - 1000);
});

test('W3: heartbeats without acknowledgement: the lease ends, the session is dialled anew', async () => {
  const world = await AgentWorld.ready();
  world.network.cut('mgr-1', 'node-1');
  await world.time.runFor(7000);
  expect(world.agent?.status().leaseLeftMs).toBe(0);
  const status = world.agent?.status().sessions[0];
  expect(status?.lastEnd).toContain('heartbeats without acknowledgement');
  world.network.heal('mgr-1', 'node-1');
  await world.until(() => (world.agent?.status().leaseLeftMs ?? 0) > 5000);
});

test('N6: a pause of the agent itself is not taken for a dead connection', async () => {
  const world = await AgentWorld.ready();
  world.process.pause('stopped');
  await world.time.runFor(9000);
  world.process.resume('stopped');
  await world.time.runFor(3000);
  expect(world.manager.hellos).toHaveLength(1);
  expect(world.agent?.status().leaseLeftMs).toBeGreaterThan(5000);
});

test('a result lost with its session is told again to the manager that asked', async () => {
  const world = await AgentWorld.ready();
  const start = world.startCommand(1);
  world.manager.command([start]);
  await world.time.runFor(100);
  world.network.powerLoss('mgr-1');
  await world.until(() => world.host.writers().length === 1);
  await world.time.runFor(10_000);
  world.network.powerUp('mgr-1');
  await world.until(() => world.manager.hellos.length === 2, 30_000);
  await world.time.runFor(100);
  expect(world.lastOutcome(start.operation)).toBe('done');
});

test('a new leader that asks again for an operation gets its answer', async () => {
  const world = await AgentWorld.ready({ managers: 2 });
  const [first, second] = world.managers;
  if (first === undefined || second === undefined) throw new Error('two managers');
  const start = world.startCommand(1);
  first.command([start]);
  await world.time.runFor(100);
  second.epoch = 6;
  await world.time.runFor(10);
  second.command([start]);
  await world.until(() => second.outcomes(start.operation).length > 0);
  expect(second.outcomes(start.operation)).toEqual([{ kind: 'done' }]);
  expect(world.host.domains()[0]?.boots).toBe(1);
});

test('a message of an unknown kind ends the session; the agent comes back', async () => {
  const world = await AgentWorld.ready();
  world.manager.send({ kind: 'hug' });
  await world.until(() => world.manager.hellos.length === 2);
  expect(world.manager.closed[0]).toContain('cannot be read');
});

test('a command that cannot be read is refused by its operation; the session goes on', async () => {
  const world = await AgentWorld.ready();
  const odd = { kind: 'levitate', operation: 'op-x', vm: testVm };
  world.manager.command([odd as never, world.startCommand(1)]);
  await world.until(() => world.manager.results.length === 2);
  expect(world.lastOutcome('op-x')).toBe('refused conflict');
  expect(world.host.writers()).toEqual([testVm]);
  expect(world.manager.hellos).toHaveLength(1);
});

test('a welcome to another cluster ends the session', async () => {
  const world = new AgentWorld();
  const manager = await world.addManager();
  manager.welcomes = false;
  await world.start();
  await world.until(() => manager.hellos.length === 1);
  const clusterId = otherVm;
  const times = { heartbeatMs: 500, leaseTtlMs: 6000, graceMs: 3000, watchdogMs: 5000 };
  manager.send({ kind: 'welcome', manager: 'm', clusterId, ...times });
  await world.until(() => manager.closed.length === 1);
  expect(manager.closed[0]).toContain('another cluster');
  expect(manager.heartbeats).toEqual([]);
});

test('a manager that never says welcome is hung up on, and dialled with growing delays', async () => {
  const world = new AgentWorld();
  const manager = await world.addManager();
  manager.welcomes = false;
  await world.start();
  await world.time.runFor(120_000);
  expect(manager.hellos.length).toBeGreaterThan(8);
  expect(manager.hellos.length).toBeLessThan(22);
  expect(manager.heartbeats).toEqual([]);
});

test('a manager that is not there yet is found when it comes', async () => {
  const world = await AgentWorld.ready();
  await world.time.runFor(1000);
  world.manager.hangUp();
  world.network.powerLoss('mgr-1');
  await world.time.runFor(60_000);
  world.network.powerUp('mgr-1');
  await world.until(() => world.manager.hellos.length === 2, 15_000);
  await world.time.runFor(100);
  expect(world.agent?.status().sessions[0]?.state).toBe('open');
});

test('a bye ends the session with its reason', async () => {
  const world = await AgentWorld.ready();
  world.manager.send({ kind: 'bye', reason: 'upgrading' });
  await world.until(() => world.manager.hellos.length === 2);
  expect(world.agent?.status().sessions[0]?.lastEnd).toContain('upgrading');
});

test('an XML is not sent again: its asker asks again', async () => {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(1))).toBe('done');
  world.manager.command([{ kind: 'inspect', operation: 'look', vm: testVm }]);
  await world.until(() => world.manager.xmls.length === 1);
  world.manager.hangUp();
  await world.until(() => world.manager.hellos.length === 2);
  await world.time.runFor(1000);
  expect(world.manager.xmls).toHaveLength(1);
});
