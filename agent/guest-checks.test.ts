import { expect, test } from 'vitest';
import type { GuestWatch } from '../src/core/model/guest.ts';
import { AgentWorld, testCluster, testVm } from './testing/agent-world.ts';

const agentWatch: GuestWatch = {
  check: { kind: 'agent' },
  intervalMs: 1000,
  timeoutMs: 500,
  failures: 3,
  graceMs: 0,
  repeats: true,
};
const tcpWatch: GuestWatch = {
  ...agentWatch,
  check: { kind: 'tcp', host: 'vm-aaaa', port: 80 },
};
const key = 'tcp://vm-aaaa:80';

async function bench(...watches: readonly GuestWatch[]) {
  const world = await AgentWorld.ready();
  const tell = (epoch = 5): void =>
    world.manager.send({
      kind: 'guests',
      clusterId: testCluster,
      epoch,
      guests: [{ vm: testVm, watches: watches.map((watch) => ({ ...watch })) }],
    });
  tell();
  expect(await world.run(world.startCommand(1))).toBe('done');
  const checks = () => world.manager.report.domains?.[0]?.checks;
  return { world, tell, checks };
}

test('a check is pending until the guest answers, and then passes', async () => {
  const { world, checks } = await bench(agentWatch, tcpWatch);
  await world.until(() => checks()?.['agent'] !== undefined);
  expect(checks()).toEqual({ agent: 'pending', [key]: 'pending' });
  await world.until(() => checks()?.['agent'] === 'passing');
  await world.until(() => checks()?.[key] === 'passing');
});

test('V3: a guest that answers no more is ill after so many failures in a row, not before', async () => {
  const { world, checks } = await bench(tcpWatch);
  await world.until(() => checks()?.[key] === 'passing');
  world.host.silence(testVm);
  await world.time.runFor(1900);
  expect(checks()).toEqual({ [key]: 'passing' });
  await world.until(() => checks()?.[key] === 'ill', 2000);
});

test('V3: a guest agent that never answered is not lost, a service that never did is', async () => {
  const { world, checks } = await bench(agentWatch, tcpWatch);
  await world.until(() => world.manager.report.domains?.[0]?.active === true);
  world.host.silence(testVm);
  await world.until(() => checks()?.[key] === 'ill');
  await world.time.runFor(30_000);
  expect(checks()).toEqual({ agent: 'pending', [key]: 'ill' });
});

test('V3: within the grace of a start no failure counts', async () => {
  const { world, checks } = await bench({ ...tcpWatch, graceMs: 20_000 });
  await world.until(() => world.manager.report.domains?.[0]?.active === true);
  world.host.silence(testVm);
  await world.time.runFor(15_000);
  expect(checks()).toEqual({ [key]: 'pending' });
  await world.until(() => checks()?.[key] === 'ill', 10_000);
});

test('V3: a guest that is paused is not asked, and its failures are forgotten', async () => {
  const { world, checks } = await bench(tcpWatch);
  await world.until(() => checks()?.[key] === 'passing');
  world.host.ioError(testVm);
  await world.time.runFor(60_000);
  expect(checks()).toEqual({ [key]: 'passing' });
  world.host.resume(testVm);
  await world.time.runFor(60_000);
  expect(checks()).toEqual({ [key]: 'passing' });
});

test('what passed belongs to one start: the next begins anew', async () => {
  const { world, checks } = await bench({ ...tcpWatch, repeats: false });
  await world.until(() => checks()?.[key] === 'passing');
  world.host.silence(testVm);
  await world.time.runFor(30_000);
  // Asked no more: that it passed once is all that was wanted.
  expect(checks()).toEqual({ [key]: 'passing' });
  world.host.crash(testVm);
  await world.until(() => world.manager.report.domains?.[0]?.active === false);
  expect(checks()).toBeUndefined();
  expect(await world.run(world.startCommand(2))).toBe('done');
  await world.until(() => checks()?.[key] === 'pending');
  await world.until(() => checks()?.[key] === 'passing');
});

test('V3: a daemon that does not answer is no sign of an ill guest', async () => {
  const { world, checks } = await bench(agentWatch);
  await world.until(() => checks()?.['agent'] === 'passing');
  world.host.hangDaemon();
  await world.time.runFor(60_000);
  world.host.resumeDaemon();
  await world.until(() => world.manager.report.hypervisor === 'ok');
  expect(checks()).toEqual({ agent: 'passing' });
});

test('an older leader is not heard on what to ask', async () => {
  const { world, checks, tell } = await bench(tcpWatch);
  await world.until(() => checks()?.[key] === 'passing');
  tell(6);
  world.manager.send({ kind: 'guests', clusterId: testCluster, epoch: 5, guests: [] });
  await world.time.runFor(5000);
  expect(checks()).toEqual({ [key]: 'passing' });
});

test('V3: the grace begins with the guest, not while its process is being made', async () => {
  const { world, checks } = await bench({ ...tcpWatch, graceMs: 5000, failures: 1 });
  await world.until(() => world.manager.report.domains?.[0]?.active === true);
  world.host.ioError(testVm);
  world.host.silence(testVm);
  await world.time.runFor(20_000);
  world.host.resume(testVm);
  await world.time.runFor(4000);
  expect(checks()).toEqual({ [key]: 'pending' });
  await world.until(() => checks()?.[key] === 'ill', 5000);
});
