import { expect, test } from 'vitest';
import { AgentWorld, otherVm, testVm } from './testing/agent-world.ts';

async function running(): Promise<AgentWorld> {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(1))).toBe('done');
  return world;
}

test('a release stops and forgets the domain, and needs no lease', async () => {
  const world = await running();
  world.manager.lease = false;
  await world.time.runFor(7000);
  expect(await world.run(world.releaseCommand(1))).toBe('done');
  expect(world.host.domains()).toEqual([]);
  await world.until(() => world.manager.report.domains?.length === 0);
});

test('a release with grace lets the guest shut itself down', async () => {
  const world = await running();
  const release = world.releaseCommand(1, { graceMs: 30_000 });
  const beganMs = world.time.nowMs;
  expect(await world.run(release)).toBe('done');
  expect(world.time.nowMs - beganMs).toBeGreaterThan(2000);
  expect(world.time.nowMs - beganMs).toBeLessThan(3500);
  expect(world.host.domains()).toEqual([]);
});

test('a guest that does not shut down in its time loses its power', async () => {
  const world = await running();
  const [domain] = world.host.domains();
  if (domain !== undefined) domain.hung = true;
  const beganMs = world.time.nowMs;
  expect(await world.run(world.releaseCommand(1, { graceMs: 20_000 }))).toBe('done');
  expect(world.time.nowMs - beganMs).toBeGreaterThan(20_000);
  expect(world.host.writers()).toEqual([]);
});

test('a second release without grace ends the wait of the first', async () => {
  const world = await running();
  const [domain] = world.host.domains();
  if (domain !== undefined) domain.hung = true;
  const soft = world.releaseCommand(1, { graceMs: 600_000 });
  const hard = world.releaseCommand(1);
  world.manager.command([soft]);
  await world.time.runFor(2000);
  expect(await world.run(hard)).toBe('done');
  expect(world.lastOutcome(soft.operation)).toBe('done');
});

test('a release is done only when a listing shows that the domain is gone', async () => {
  const world = await running();
  const release = world.releaseCommand(1);
  for (let count = 0; count < 3; count += 1) {
    world.host.inject('destroy', { kind: 'fails', code: 'libvirtBusy', message: 'try later' });
  }
  expect(await world.run(release)).toBe('done');
  expect(world.host.domains()).toEqual([]);
});

test('N11: a release while the hypervisor hangs is ambiguous, and done once it answers', async () => {
  const world = await running();
  world.host.hangDaemon();
  const release = world.releaseCommand(1);
  expect(await world.run(release, 200_000)).toBe('ambiguous');
  expect(world.host.writers()).toEqual([testVm]);
  world.host.resumeDaemon();
  expect(await world.run(release)).toBe('done');
  expect(world.host.writers()).toEqual([]);
});

test('W17: a start that comes after the release of its token is refused, also by a later agent', async () => {
  const world = await AgentWorld.ready();
  const late = world.startCommand(4);
  expect(await world.run(world.releaseCommand(5))).toBe('done');
  expect(await world.run(late)).toBe('refused token');
  world.crash();
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  await world.time.runFor(1000);
  expect(await world.run(world.startCommand(5))).toBe('refused token');
  expect(world.host.domains()).toEqual([]);
});

test('a release overtakes the start that still waits for its turn', async () => {
  const world = await AgentWorld.ready({ config: { tuning: { maxStarts: 1 } } });
  const first = world.startCommand(1, { vm: otherVm });
  const second = world.startCommand(1);
  const release = world.releaseCommand(1);
  world.manager.command([first, second, release]);
  await world.until(() => world.manager.results.length === 3);
  expect(world.lastOutcome(first.operation)).toBe('done');
  expect(world.lastOutcome(second.operation)).toBe('refused token');
  expect(world.lastOutcome(release.operation)).toBe('done');
  expect(world.host.writers()).toEqual([otherVm]);
});

test('a release waits for the start of the same VM that is under way, then ends it', async () => {
  const world = await AgentWorld.ready();
  const start = world.startCommand(1);
  world.manager.command([start]);
  await world.time.runFor(300);
  expect(await world.run(world.releaseCommand(1))).toBe('done');
  expect(world.lastOutcome(start.operation)).toBe('done');
  expect(world.host.domains()).toEqual([]);
});

test('a release that comes before the effect of a start keeps it from booting', async () => {
  const world = await AgentWorld.ready({ diskLatencyMs: 100 });
  const start = world.startCommand(1);
  const release = world.releaseCommand(1);
  world.manager.command([start]);
  await world.until(() => world.agent?.status().pending === 1);
  world.manager.command([release]);
  await world.until(() => world.manager.results.length === 2);
  expect(world.lastOutcome(start.operation)).toBe('refused token');
  expect(world.lastOutcome(release.operation)).toBe('done');
  expect(world.host.domains()).toEqual([]);
});

test('a release of an older token than the one that runs is refused', async () => {
  const world = await running();
  expect(await world.run(world.startCommand(1))).toBe('refused token');
  expect(await world.run(world.releaseCommand(0))).toBe('refused token');
  expect(world.host.writers()).toEqual([testVm]);
});

test('N21: a domain without a permit is stopped when it is told to release it', async () => {
  const world = await AgentWorld.ready();
  world.host.startByHand(testVm, 'leftover');
  await world.time.runFor(5000);
  expect(world.host.writers()).toEqual([testVm]);
  expect(await world.run(world.releaseCommand(3))).toBe('done');
  expect(world.host.writers()).toEqual([]);
});

test('inspect answers the XML, and null for a VM that is not here', async () => {
  const world = await running();
  world.manager.command([
    { kind: 'inspect', operation: 'look-1', vm: testVm },
    { kind: 'inspect', operation: 'look-2', vm: otherVm },
  ]);
  await world.until(() => world.manager.xmls.length === 2);
  const [found, absent] = world.manager.xmls;
  expect(found?.xml).toContain('<domain');
  expect(absent?.xml).toBeNull();
  expect(absent?.detail).not.toBe('');
});

test('N15: 60 releases at once stop their domains a few at a time, and all of them in the end', async () => {
  const world = await AgentWorld.ready({ config: { tuning: { maxStarts: 60, maxStops: 3 } } });
  const vm = (index: number): string => `${testVm.slice(0, -2)}${String(index).padStart(2, '0')}`;
  const all = Array.from({ length: 60 }, (_, index) => index);
  const starts = all.map((index) => {
    const start = world.startCommand(1, { vm: vm(index), operation: `start-${index}` });
    return { ...start, spec: { ...start.spec, name: `vm-${index}` } };
  });
  world.manager.command(starts);
  await world.until(() => world.manager.results.length === 60, 60_000);
  const releases = all.map((index) =>
    world.releaseCommand(1, { vm: vm(index), operation: `release-${index}` }),
  );
  world.manager.command(releases);
  await world.until(() => world.manager.results.length === 120, 60_000);
  expect(world.host.domains()).toEqual([]);
  expect(releases.every(({ operation }) => world.lastOutcome(operation) === 'done')).toBe(true);
});
