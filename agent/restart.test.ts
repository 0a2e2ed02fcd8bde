import { expect, test } from 'vitest';
import { KennelError } from '../src/errors/kennel-error.ts';
import { SimHypervisor } from '../chaos/sim/hypervisor.ts';
import { SimProcess } from '../chaos/sim/sim-process.ts';
import { startAgent } from './agent.ts';
import { AgentWorld, secondBoot, testVm } from './testing/agent-world.ts';

async function running(): Promise<AgentWorld> {
  const world = await AgentWorld.ready();
  expect(await world.run(world.startCommand(1))).toBe('done');
  return world;
}

function activeVms(world: AgentWorld): readonly string[] {
  const domains = world.manager.report.domains ?? [];
  return domains.filter(({ active }) => active).map(({ vm }) => vm);
}

/** Tries to start one more agent process on the node of this world. */
function startAnother(world: AgentWorld, config = world.config()): Promise<unknown> {
  const env = world.env(new SimProcess(world.time, 'another agent'));
  const hypervisor = new SimHypervisor({ env, host: world.host });
  const started = startAgent({ env, config, hypervisor });
  return world.wait(started.catch((error: unknown) => error));
}

test('N9: an agent restart touches no guest; the new incarnation reports the old permit', async () => {
  const world = await running();
  const old = world.manager.incarnation;
  world.crash();
  await world.time.runFor(3000);
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  await world.until(() => world.manager.report.hypervisor === 'ok');
  await world.time.runFor(60_000);
  expect(world.manager.incarnation).not.toBe(old);
  expect(world.manager.report.domains).toMatchObject([
    { vm: testVm, active: true, permit: { incarnation: old, token: 1 } },
  ]);
  expect(world.host.domains()[0]?.boots).toBe(1);
});

test('a stop touches no guest and leaves the node to the next agent', async () => {
  const world = await running();
  await world.wait(world.agent?.stop() ?? Promise.reject(new Error('no agent')));
  await world.until(() => !world.manager.connected, 100);
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  await world.time.runFor(10_000);
  expect(world.host.domains()[0]?.boots).toBe(1);
});

test('a stop lets a start under way end, and begins no further one', async () => {
  const world = await AgentWorld.ready({ config: { tuning: { maxStarts: 1 } } });
  const first = world.startCommand(1);
  const second = world.startCommand(1, { vm: 'cccccccc-cccc-4ccc-8ccc-cccccccccccc' });
  world.manager.command([first, second]);
  await world.time.runFor(100);
  await world.wait(world.agent?.stop() ?? Promise.reject(new Error('no agent')));
  await world.time.runFor(10_000);
  expect(world.host.writers()).toEqual([testVm]);
});

test('a second agent on the node refuses to start and says who runs', async () => {
  const world = await running();
  const error = await startAnother(world);
  expect(error).toBeInstanceOf(KennelError);
  expect(error).toMatchObject({ problem: { code: 'E_STORE_LOCKED' } });
  expect(world.manager.hellos).toHaveLength(1);
});

test('an agent refuses the data directory of another node', async () => {
  const world = await running();
  world.crash();
  const error = await startAnother(world, { ...world.config(), node: 'node-2' as never });
  expect(error).toMatchObject({ problem: { code: 'E_DATA_DIRECTORY' } });
  await world.start();
});

test('an agent that cannot take its lock does not start', async () => {
  const world = new AgentWorld();
  await world.addManager();
  world.disk.inject({ operation: 'lock', code: 'EROFS' });
  const error = await startAnother(world);
  expect(error).toMatchObject({ problem: { code: 'E_DATA_DIRECTORY' } });
});

test('what the agent knew of epochs and tokens outlasts a loss of power', async () => {
  const world = await running();
  world.crash();
  world.disk.crash({ content: 'none', names: 'none' });
  world.host.powerOff();
  world.host.powerOn();
  world.bootId = secondBoot;
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  expect(world.manager.hellos.at(-1)?.epochSeen).toBe(5);
  await world.time.runFor(1000);
  expect(await world.run(world.startCommand(1))).toBe('refused token');
});

test('N8: after a reboot the agent starts nothing by itself', async () => {
  const world = await running();
  world.crash();
  world.host.powerOff();
  await world.time.runFor(40_000);
  world.host.powerOn();
  world.clock.boot(1000);
  world.bootId = secondBoot;
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  await world.time.runFor(60_000);
  expect(world.manager.hellos.at(-1)?.incarnation.bootId).toBe(secondBoot);
  expect(world.manager.report).toMatchObject({
    hypervisor: 'ok',
    domains: [{ vm: testVm, active: false, permit: { token: 1 } }],
  });
  expect(world.host.writers()).toEqual([]);
});

test('N9: a start left under way is not reported absent before it had time to show', async () => {
  const world = await AgentWorld.ready();
  world.host.inject('start', { kind: 'ackLost', effectAfterMs: 1500 });
  world.manager.command([world.startCommand(1)]);
  await world.time.runFor(100);
  world.crash();
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  const before = world.manager.reports.length;
  await world.until(() => world.manager.report.hypervisor === 'ok');
  const earlier = world.manager.reports.slice(before - 1, -1);
  expect(earlier.map(({ domains }) => domains)).toEqual(earlier.map(() => null));
  expect(world.manager.report.domains).toMatchObject([{ vm: testVm, active: true }]);
});

test('N9: a start that came to nothing is reported so once the hypervisor has settled', async () => {
  const world = await AgentWorld.ready();
  world.host.inject('start', { kind: 'lost' });
  world.manager.command([world.startCommand(1)]);
  await world.time.runFor(100);
  world.crash();
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  await world.time.runFor(1500);
  expect(world.manager.report.hypervisor).toBe('unreachable');
  await world.until(() => world.manager.report.hypervisor === 'ok', 2000);
  expect(activeVms(world)).toEqual([]);
});

test('a start that another boot left under way delays no report', async () => {
  const world = await AgentWorld.ready();
  world.host.inject('start', { kind: 'lost' });
  world.manager.command([world.startCommand(1)]);
  await world.time.runFor(100);
  world.crash();
  world.bootId = secondBoot;
  await world.start();
  await world.until(() => world.manager.hellos.length === 2);
  await world.time.runFor(300);
  expect(world.manager.report.hypervisor).toBe('ok');
  expect(activeVms(world)).toEqual([]);
});
