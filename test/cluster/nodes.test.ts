import { describe, expect, test } from 'vitest';
import { clusterOfVms } from './testing/cluster-of-vms.ts';

describe('N5: a node that its watchdog resets', () => {
  test('and that is back before it counts as lost: the new boot is the proof, no power is cut', async () => {
    const it = await clusterOfVms({ bootMs: 2000 });
    const node = it.homeOf('vm-1');
    node.machine.reset();
    await it.until(() => it.everyVmRuns());
    expect(it.stored('fence/F-1')['proof']).toMatchObject({ kind: 'newBoot' });
    await it.runFor(60_000);
    expect(node.bmc.executed.off).toBe(0);
    expect(it.overlaps()).toEqual([]);
  });

  test('and that takes its time: power is cut at most once, and never under the new boot', async () => {
    const it = await clusterOfVms({ bootMs: 40_000 });
    const node = it.homeOf('vm-1');
    node.machine.reset();
    await it.until(() => it.everyVmRuns());
    const offs = node.bmc.executed.off;
    expect(offs).toBeLessThanOrEqual(1);
    node.machine.powerOn();
    await it.until(() => it.stored(`node/${node.name}`)['phase'] === 'online', 120_000);
    await it.runFor(60_000);
    expect(node.bmc.executed.off).toBe(offs);
    expect(node.machine.state).toBe('on');
    expect(it.overlaps()).toEqual([]);
  });
});

test('N17: two nodes that die at once are both fenced, and all their VMs run elsewhere', async () => {
  const it = await clusterOfVms({ nodes: 5 });
  const [first, second] = [it.homeOf('vm-1'), it.homeOf('vm-2')];
  expect(first).not.toBe(second);
  for (const node of [first, second]) node.machine.panic();
  await it.until(() => it.everyVmRuns());
  expect([first.bmc.executed.off, second.bmc.executed.off]).toEqual([1, 1]);
  for (const vm of it.vms) expect([first, second]).not.toContain(it.homeOf(vm));
  expect(it.overlaps()).toEqual([]);
});

test('U2: when the agents of all nodes restart at once, no VM is touched and nobody is fenced', async () => {
  const it = await clusterOfVms();
  const { writes } = it.cluster.world;
  const history = (): unknown => writes.disks().map((disk) => writes.intervals(disk));
  const before = history();
  for (const node of it.cluster.nodes) node.machine.crashAgent();
  await it.runFor(60_000);
  expect(history()).toEqual(before);
  expect(it.cluster.nodes.map((node) => node.bmc.received.off)).toEqual([0, 0, 0]);
  expect(it.cluster.nodes.every((node) => node.agent !== null)).toBe(true);
});

test('W3: a node that hears everybody and is not heard counts as lost, and its VMs run elsewhere', async () => {
  const it = await clusterOfVms({ managers: 1 });
  const node = it.homeOf('vm-1');
  const { network } = it.cluster.world;
  for (const host of network.hosts()) if (!host.startsWith('bmc-')) network.cut(node.name, host);
  await it.until(() => !it.cluster.whereIs('vm-1').includes(node.name) && it.everyVmRuns());
  expect(node.bmc.executed.off).toBe(1);
  expect(it.stored('fence/F-1')['proof']).toMatchObject({ kind: 'powerOff' });
  expect(it.overlaps()).toEqual([]);
});

test('W1: a node that only the manager does not hear is not fenced: its peers have answers of it', async () => {
  const it = await clusterOfVms({ managers: 1 });
  const node = it.homeOf('vm-1');
  it.cluster.world.network.cutBoth(node.name, 'm-1');
  await it.runFor(60_000);
  expect(it.stored(`node/${node.name}`)['phase']).toBe('blocked');
  expect(node.bmc.received.off).toBe(0);
  expect(it.homeOf('vm-1')).toBe(node);
  it.cluster.world.network.healBoth(node.name, 'm-1');
  await it.until(() => it.stored(`node/${node.name}`)['phase'] === 'online');
});

test('C2: wall clocks that step while a node is fenced change nothing', async () => {
  const undisturbed = await clusterOfVms();
  const disturbed = await clusterOfVms();
  const tookMs: number[] = [];
  for (const it of [undisturbed, disturbed]) {
    const node = it.homeOf('vm-1');
    const { time } = it.cluster.world;
    const machines = [...it.cluster.managers, ...it.cluster.nodes].map(({ machine }) => machine);
    node.machine.panic();
    const sinceMs = time.nowMs;
    for (const [index, phase] of ['intent', 'acting', 'proven'].entries()) {
      await it.until(() => it.fencePhase() === phase);
      const byMs = index % 2 === 0 ? 3_600_000 : -7_200_000;
      if (it === disturbed) for (const machine of machines) machine.clock.stepWall(byMs);
    }
    await it.until(() => it.everyVmRuns());
    tookMs.push(time.nowMs - sinceMs);
    expect(node.bmc.executed.off).toBe(1);
    expect(it.overlaps()).toEqual([]);
  }
  expect(tookMs[1]).toBe(tookMs[0]);
});
