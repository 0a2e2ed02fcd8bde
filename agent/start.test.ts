import { expect, test } from 'vitest';
import { AgentWorld, otherVm, testVm } from './testing/agent-world.ts';

test('a start by the leader boots the VM under its permit', async () => {
  const world = await AgentWorld.ready();
  const start = world.startCommand(1);
  expect(await world.run(start)).toBe('done');
  expect(world.host.writers()).toEqual([testVm]);
  await world.until(() => world.manager.report.domains?.[0]?.active === true);
  expect(world.manager.report.domains).toEqual([
    {
      vm: testVm,
      name: 'vm-aaaa',
      active: true,
      state: 'running',
      reason: 'booted',
      permit: start.permit,
    },
  ]);
});

test('a repeated start (same operation) answers done and boots nothing twice', async () => {
  const world = await AgentWorld.ready();
  const start = world.startCommand(1);
  world.manager.command([start]);
  world.manager.command([start, start]);
  await world.until(() => world.manager.outcomes(start.operation).length > 0);
  await world.run(start);
  expect(new Set(world.manager.outcomes(start.operation).map(({ kind }) => kind))).toEqual(
    new Set(['done']),
  );
  expect(world.host.domains()[0]?.boots).toBe(1);

  world.host.guestShutdown(testVm);
  expect(await world.run(start)).toBe('done');
  expect(world.host.domains()[0]?.boots).toBe(1);
});

test('N6: no start without a lease; with a lease again the same command is accepted', async () => {
  const world = await AgentWorld.ready();
  world.manager.lease = false;
  await world.time.runFor(6500);
  const start = world.startCommand(1);
  expect(await world.run(start)).toBe('refused lease');
  expect(world.host.domains()).toEqual([]);
  world.manager.lease = true;
  await world.time.runFor(600);
  expect(await world.run(start)).toBe('done');
});

test('N7: a start whose lease ran out while the state file was written is not executed', async () => {
  const world = await AgentWorld.ready({ diskLatencyMs: 300 });
  const start = world.startCommand(1);
  world.manager.command([start]);
  await world.until(() => world.agent?.status().pending === 1);
  // Stopped in the middle of the write, it resumes long after its VMs were recovered elsewhere.
  world.process.pause('stopped');
  world.manager.lease = false;
  await world.time.runFor(60_000);
  world.process.resume('stopped');
  await world.until(() => world.lastOutcome(start.operation) !== 'none');
  expect(world.lastOutcome(start.operation)).toBe('refused lease');
  expect(world.host.domains()).toEqual([]);
});

test('N7: a start received before a pause past the lease, checked after it, is refused', async () => {
  const world = await AgentWorld.ready();
  world.process.pause('stopped');
  const start = world.startCommand(1);
  world.manager.command([start]);
  await world.time.runFor(60_000);
  world.process.resume('stopped');
  await world.until(() => world.lastOutcome(start.operation) !== 'none', 30_000);
  expect(world.lastOutcome(start.operation)).toBe('refused lease');
  expect(world.host.domains()).toEqual([]);
});

test('a start for another incarnation of this node is refused', async () => {
  const world = await AgentWorld.ready();
  const old = world.startCommand(1);
  const { incarnation } = world.manager;
  world.crash();
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  await world.time.runFor(1000);
  world.manager.command([old], { incarnation });
  await world.until(() => world.lastOutcome(old.operation) !== 'none');
  expect(world.lastOutcome(old.operation)).toBe('refused incarnation');
  expect(await world.run(old)).toBe('refused incarnation');
  expect(world.host.domains()).toEqual([]);
});

test('M2: once a newer leader was met, the older one is refused', async () => {
  const world = await AgentWorld.ready({ managers: 2 });
  const [deposed, leader] = world.managers;
  if (leader === undefined || deposed === undefined) throw new Error('two managers');
  leader.epoch = 6;
  await world.time.runFor(600);
  const start = world.startCommand(1);
  deposed.command([start]);
  await world.until(() => deposed.outcomes(start.operation).length > 0);
  expect(deposed.outcomes(start.operation)).toMatchObject([{ kind: 'refused', because: 'epoch' }]);
  leader.command([start]);
  await world.until(() => leader.outcomes(start.operation).length > 0);
  expect(leader.outcomes(start.operation)).toEqual([{ kind: 'done' }]);
});

test('M3: a start accepted from a leader that is deposed before its effect is refused', async () => {
  const world = await AgentWorld.ready({ managers: 2, diskLatencyMs: 200 });
  const [deposed, leader] = world.managers;
  if (leader === undefined || deposed === undefined) throw new Error('two managers');
  const start = world.startCommand(1);
  deposed.command([start]);
  await world.until(() => world.agent?.status().pending === 1);
  leader.epoch = 6;
  await world.until(() => deposed.outcomes(start.operation).length > 0);
  expect(deposed.outcomes(start.operation)).toMatchObject([{ kind: 'refused', because: 'epoch' }]);
  expect(world.host.domains()).toEqual([]);
});

test('M2: a lease acknowledged by a deposed leader renews nothing', async () => {
  const world = await AgentWorld.ready({ managers: 2 });
  const [deposed, leader] = world.managers;
  if (leader === undefined || deposed === undefined) throw new Error('two managers');
  leader.epoch = 6;
  await world.time.runFor(600);
  leader.lease = false;
  await world.time.runFor(6500);
  expect(world.agent?.status().leaseLeftMs).toBe(0);
});

test('W17: a start of an older epoch is refused after restart too', async () => {
  const world = await AgentWorld.ready();
  world.manager.epoch = 9;
  expect(await world.run(world.startCommand(1))).toBe('done');
  world.crash();
  world.manager.acknowledges = false;
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  expect(world.manager.hellos.at(-1)?.epochSeen).toBe(9);
  world.manager.epoch = 8;
  expect(await world.run(world.startCommand(2, { vm: otherVm }))).toBe('refused epoch');
});

test('a token seen before a restart is not accepted after it', async () => {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(7))).toBe('done');
  expect(await world.run(world.releaseCommand(7))).toBe('done');
  world.crash();
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  await world.time.runFor(1000);
  expect(await world.run(world.startCommand(7))).toBe('refused token');
  expect(await world.run(world.startCommand(8))).toBe('done');
});

test('the token in a domain counts as seen, also when the state file is lost', async () => {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(7))).toBe('done');
  world.crash();
  world.disk.flip('/var/lib/kennel/agent-state', 60);
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  await world.time.runFor(1000);
  expect(await world.run(world.startCommand(6))).toBe('refused token');
  expect(await world.run(world.releaseCommand(6))).toBe('refused token');
  expect(world.host.writers()).toEqual([testVm]);
});

test('the token in a domain counts as seen when it is newer than the one on disk', async () => {
  const world = await AgentWorld.ready();
  const start = world.startCommand(1);
  expect(await world.run(start)).toBe('done');
  const [domain] = world.host.domains();
  if (domain?.live?.permit == null) throw new Error('it carries a permit');
  domain.live = { permit: { ...domain.live.permit, token: 9 as never } };
  world.host.ioError(testVm);
  await world.until(() => world.manager.report.domains?.[0]?.permit?.token === 9);
  expect(await world.run(world.releaseCommand(5))).toBe('refused token');
  expect(await world.run(world.startCommand(5))).toBe('refused token');
  expect(await world.run(world.releaseCommand(9))).toBe('done');
});

test('N14, M3: a start taken over by a newer leader waits for that epoch on disk, or is refused', async () => {
  const world = await AgentWorld.ready({ managers: 2, hypervisorCallMs: 500 });
  const [deposed, leader] = world.managers;
  if (leader === undefined || deposed === undefined) throw new Error('two managers');
  const start = world.startCommand(1);
  deposed.command([start]);
  await world.until(() => world.agent?.status().pending === 1);
  await world.time.runFor(100);
  world.disk.inject({ operation: 'write', code: 'ENOSPC', times: Number.POSITIVE_INFINITY });
  leader.command([start], { epoch: 6 });
  await world.until(() => leader.outcomes(start.operation).length > 0);
  expect(leader.outcomes(start.operation)).toMatchObject([
    { kind: 'refused', because: 'stateDisk' },
  ]);
  expect(world.host.domains()).toEqual([]);
});

test('a start finds the VM active under another permit: refused, and nothing is touched', async () => {
  const world = await AgentWorld.ready();
  world.host.startByHand(testVm, 'vm-aaaa');
  expect(await world.run(world.startCommand(1))).toBe('refused conflict');
  expect(world.host.writers()).toEqual([testVm]);
});

test('a start that fails leaves nothing and says failed', async () => {
  const world = await AgentWorld.ready();
  world.host.inject('start', { kind: 'fails', code: 'noBridge', message: 'no such bridge' });
  expect(await world.run(world.startCommand(1))).toBe('failed noBridge');
  expect(world.host.domains()).toEqual([]);
});

test('a start whose answer was lost is found running: done', async () => {
  const world = await AgentWorld.ready();
  world.host.inject('start', { kind: 'ackLost', effectAfterMs: 500 });
  expect(await world.run(world.startCommand(1))).toBe('done');
  expect(world.host.domains()[0]?.boots).toBe(1);
});

test('a start that was lost on its way is taken back after a bound: failed', async () => {
  const world = await AgentWorld.ready();
  world.host.inject('start', { kind: 'lost' });
  expect(await world.run(world.startCommand(1))).toBe('failed startUnconfirmed');
});

test('a start whose effect would come after the answer failed has no effect any more', async () => {
  const world = await AgentWorld.ready();
  world.host.inject('start', { kind: 'ackLost', effectAfterMs: 15_000 + 60_000 });
  expect(await world.run(world.startCommand(1))).toBe('failed startUnconfirmed');
  await world.time.runFor(60_000);
  expect(world.host.domains()).toEqual([]);
});

test('N11: a start while the hypervisor does not answer is refused, nothing is pending', async () => {
  const world = await AgentWorld.ready();
  world.host.killDaemon();
  expect(await world.run(world.startCommand(1))).toBe('refused conflict');
  world.host.startDaemon();
  await world.time.runFor(30_000);
  expect(world.host.domains()).toEqual([]);
});

test('N11: a start whose end cannot be read is ambiguous; repeated, it tells what became of it', async () => {
  const world = await AgentWorld.ready();
  world.host.inject('start', { kind: 'ackLost', effectAfterMs: 100 });
  const start = world.startCommand(1);
  world.manager.command([start]);
  await world.time.runFor(1000);
  world.host.hangDaemon();
  await world.until(() => world.lastOutcome(start.operation) === 'ambiguous', 90_000);
  world.manager.lease = false;
  await world.time.runFor(7000);
  world.host.resumeDaemon();
  await world.until(() => world.manager.report.hypervisor === 'ok');
  expect(await world.run(start)).toBe('done');
  expect(world.host.domains()[0]?.boots).toBe(1);
});

test('at most maxStarts starts run at once, in the order they came', async () => {
  const world = await AgentWorld.ready({ config: { tuning: { maxStarts: 2 } } });
  const starts = Array.from({ length: 6 }, (_, index) =>
    world.startCommand(1, { vm: `${testVm.slice(0, -1)}${index}`, operation: `start-${index}` }),
  ).map((start, index) => ({ ...start, spec: { ...start.spec, name: `vm-${index}` } }));
  world.manager.command(starts);
  const begins: number[] = [];
  await world.until(() => {
    const running = world.host.domains().filter((domain) => domain.live === undefined).length;
    begins.push(running);
    return world.manager.results.length === 6;
  });
  expect(Math.max(...begins)).toBe(2);
  expect(world.manager.results.map(({ operation }) => operation)).toEqual(
    starts.map(({ operation }) => operation),
  );
});
