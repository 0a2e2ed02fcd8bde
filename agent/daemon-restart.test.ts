import { expect, test } from 'vitest';
import type { ProcessRequest, ProcessResult } from '../src/env/processes.ts';
import { AgentWorld, testVm } from './testing/agent-world.ts';

const exited = (code: number, stderr = ''): ProcessResult => ({
  kind: 'exited',
  code,
  stdout: '',
  stderr,
});

async function bench(mend: (world: AgentWorld) => ProcessResult) {
  const requests: { readonly request: ProcessRequest; readonly atMs: number }[] = [];
  const world: AgentWorld = new AgentWorld();
  world.programs.install('systemctl', {
    run: async (request: ProcessRequest) => {
      requests.push({ request, atMs: world.time.nowMs });
      return mend(world);
    },
  });
  await world.addManager();
  await world.start({ restartHypervisor: ['systemctl', 'restart', 'libvirtd.service'] });
  await world.until(() => world.agent?.status().leaseLeftMs != null);
  await world.until(() => world.manager.report.hypervisor === 'ok');
  expect(await world.run(world.startCommand(1))).toBe('done');
  return { world, requests };
}

test('N11: a hung daemon is restarted within a bound, and its guests run on', async () => {
  const { world, requests } = await bench((at) => {
    at.host.killDaemon();
    at.host.startDaemon();
    return exited(0);
  });
  world.host.hangDaemon();
  const hungMs = world.time.nowMs;
  await world.until(() => requests.length === 1, 60_000);
  expect(world.time.nowMs - hungMs).toBeLessThan(30_000);
  expect(requests[0]?.request).toMatchObject({ arguments: ['restart', 'libvirtd.service'] });
  await world.until(() => world.manager.report.hypervisor === 'ok', 30_000);
  expect(world.manager.report.mending).toBeNull();
  expect(world.host.domains()).toMatchObject([{ vm: testVm, boots: 1 }]);
  await world.time.runFor(600_000);
  expect(requests).toHaveLength(1);
});

test('N11: a daemon that does not come up is restarted ever more rarely, and the report says so', async () => {
  const { world, requests } = await bench(() => exited(1, 'no such unit'));
  world.host.killDaemon();
  await world.time.runFor(1_800_000);
  expect(requests.length).toBeGreaterThan(4);
  expect(requests.length).toBeLessThan(12);
  expect(world.manager.report.mending).toMatch(/restarted \d+ times, .*exit code 1: no such unit$/);
  world.host.startDaemon();
  await world.until(() => world.manager.report.hypervisor === 'ok', 30_000);
  expect(world.manager.report.mending).toBeNull();
});

test('N11: a silence that ends by itself restarts nothing', async () => {
  const { world, requests } = await bench(() => exited(0));
  world.host.hangDaemon();
  await world.time.runFor(10_000);
  world.host.resumeDaemon();
  await world.time.runFor(60_000);
  expect(requests).toEqual([]);
});
