import { expect, test } from 'vitest';
import type { SimBmcMode } from '../../chaos/sim/bmc.ts';
import { identityOf } from '../../chaos/sim/cluster-world.ts';
import type { Outcome } from '../../src/core/problem.ts';
import { clusterOfVms } from './testing/cluster-of-vms.ts';

test('B5: an off that takes 25 s is waited for and sent once; no VM starts before', async () => {
  const it = await clusterOfVms();
  const node = it.homeOf('vm-1');
  node.bmc.mode = { kind: 'delayed', ms: 25_000 };
  node.machine.panic();
  const sinceMs = it.cluster.world.time.nowMs;
  await it.until(() => it.everyVmRuns());
  expect(it.cluster.world.time.nowMs - sinceMs).toBeGreaterThan(25_000);
  expect(node.bmc.received.off).toBe(1);
  expect(it.overlaps()).toEqual([]);
});

test('B9: a BMC that dies with the command and comes back is asked again, and told nothing twice', async () => {
  const it = await clusterOfVms();
  const node = it.homeOf('vm-1');
  node.bmc.mode = { kind: 'dieMidOperation' };
  node.machine.panic();
  await it.until(() => node.bmc.mode.kind === 'dead');
  await it.runFor(20_000);
  expect(it.everyVmRuns()).toBe(false);
  node.bmc.mode = { kind: 'ok' };
  await it.until(() => it.everyVmRuns());
  expect(node.bmc.executed.off).toBe(1);
  expect(it.overlaps()).toEqual([]);
});

test('B10: a slow BMC gets one off, which is read back; a new boot is proof before it has answered', async () => {
  const slow = { kind: 'slow', ms: 3000 } as const;
  const hung = await clusterOfVms();
  const node = hung.homeOf('vm-1');
  node.bmc.mode = slow;
  node.machine.panic();
  await hung.until(() => hung.everyVmRuns());
  expect(node.bmc.executed.off).toBe(1);
  const back = await clusterOfVms({ bootMs: 5000 });
  const rebooted = back.homeOf('vm-1');
  rebooted.bmc.mode = { kind: 'slow', ms: 20_000 };
  rebooted.machine.reset();
  await back.until(() => back.stored('fence/F-1')['proof'] != null);
  expect(back.stored('fence/F-1')['proof']).toMatchObject({ kind: 'newBoot' });
  await back.until(() => back.everyVmRuns());
  expect([...hung.overlaps(), ...back.overlaps()]).toEqual([]);
});

test('B14: a node whose power comes back by itself starts nothing, and is admitted empty', async () => {
  const it = await clusterOfVms({ bootMs: 10_000 });
  const node = it.homeOf('vm-1');
  node.machine.powerOff();
  await it.until(() => it.everyVmRuns());
  node.machine.powerOn();
  await it.until(() => node.machine.state === 'on' && node.agent !== null);
  const isAdmitted = (): boolean => it.stored(`node/${node.name}`)['phase'] === 'online';
  await it.until(() => node.runningVms().length > 0 || isAdmitted());
  expect(node.runningVms()).toEqual([]);
  await it.runFor(20_000);
  expect(node.runningVms()).toEqual([]);
  expect(it.everyVmRuns()).toBe(true);
  expect(it.overlaps()).toEqual([]);
});

test('O5: a false word that a living node is off is refused, before and after its device was asked', async () => {
  const it = await clusterOfVms();
  const node = it.homeOf('vm-1');
  const caller = {
    identity: identityOf(it.cluster.world, 'admin', 'sim'),
    dryRun: false,
    reason: null,
  };
  const say = (): Promise<Outcome<unknown>> =>
    it.cluster.ask(({ manager }) => {
      if (manager === null) throw new Error('the leader is gone');
      return manager.service.confirmOff(node.name, { fence: 'F-1', reason: 'I saw it' }, caller);
    });
  expect((await say()).kind).toBe('problem');
  node.bmc.mode = { kind: 'stuck' };
  it.cluster.world.network.isolate(node.name);
  await it.until(() => it.fencePhase() === 'acting');
  await it.runFor(5000);
  expect((await say()).kind).toBe('problem');
  expect(it.homeOf('vm-1')).toBe(node);
  expect(it.stored('fence/F-1')['proof']).toBeNull();
  expect(it.overlaps()).toEqual([]);
});

/** The device is checked once an hour: what is found of a trouble then, and not in a failover. */
async function troubleFound(mode: SimBmcMode) {
  const it = await clusterOfVms();
  const node = it.homeOf('vm-1');
  const before = it.history();
  const ofNode = async (): Promise<readonly unknown[]> =>
    (await it.findings()).filter(({ subject }) => subject === node.name);
  expect(await ofNode()).toEqual([]);
  node.bmc.mode = mode;
  let found = await ofNode();
  for (let minutes = 0; minutes < 70 && found.length === 0; minutes += 2) {
    await it.runFor(120_000);
    found = await ofNode();
  }
  node.bmc.mode = { kind: 'ok' };
  await it.runFor(150_000);
  expect(it.history()).toEqual(before);
  expect(it.cluster.store.machine.list('fence/')).toEqual([]);
  return { found, afterwards: await ofNode(), offs: it.offs() };
}

/** The node could not be proven off, and what of it is unprotected; over when the device is well. */
const alarm = (code: string): object => ({
  found: [
    {
      code: 'NODE_UNFENCEABLE',
      severity: 'critical',
      text: expect.stringMatching(new RegExp(`${code}.*unprotected: .*vm-1`)) as string,
    },
  ],
  afterwards: [],
  offs: [0, 0, 0],
});

test('B1: a BMC that cannot be reached lowers the readiness of its node, with an alarm, and nothing is done to it', async () => {
  expect(await troubleFound({ kind: 'unreachable' })).toMatchObject(alarm('UNREACHABLE'));
});

test('B2: a password that the BMC takes no more is found by the check, while all is well', async () => {
  expect(await troubleFound({ kind: 'wrongPassword' })).toMatchObject(alarm('AUTH_PASSWORD'));
});
