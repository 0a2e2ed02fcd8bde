import { describe, expect, it } from 'vitest';
import { SimCluster } from './cluster.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { WatchdogTraits } from './watchdog-device.ts';

const strong: WatchdogTraits = { kind: 'strong', timeoutMs: 5000, resetMs: 500, held: true };

/** Three nodes that fence themselves, two managers, and a VM on each node. */
async function heldCluster(seed = 5): Promise<SimCluster> {
  const names = ['node-1', 'node-2', 'node-3'];
  const cluster = new SimCluster({
    seed,
    managers: 2,
    nodes: names.length,
    bootMs: 5000,
    guard: false,
    watchdogs: Object.fromEntries(names.map((name) => [name, strong])),
  });
  await cluster.start();
  for (const vm of vms) await cluster.createVm(vm);
  await until(cluster, () => vms.every((vm) => cluster.whereIs(vm).length === 1), 30_000);
  await until(cluster, () => names.every((name) => isAcknowledged(cluster, name)), 10_000);
  await wait(cluster, 3000);
  return cluster;
}

const vms = ['web', 'db', 'mail'];

function isAcknowledged(cluster: SimCluster, node: string): boolean {
  const { incarnation } = recordOf(cluster, `node/${node}`);
  const { mark } = recordOf(cluster, 'membership');
  return incarnation?.isolation === 'selfFencing' && incarnation.membership === mark;
}

interface Stored {
  readonly incarnation?: { readonly isolation: string; readonly membership?: string } | null;
  readonly mark?: string;
  readonly members?: readonly unknown[];
  readonly proof?: { readonly kind: string; readonly countedFrom?: string } | null;
}

function recordOf(cluster: SimCluster, key: string): Stored {
  const item = cluster.store.machine.list(key).find((each) => each.key === key);
  return item === undefined ? {} : (JSON.parse(item.value) as Stored);
}

async function until(cluster: SimCluster, what: () => boolean, withinMs: number): Promise<number> {
  const { time } = cluster.world;
  const beganMs = time.nowMs;
  if (!(await time.runUntil(what, withinMs))) {
    throw new Error(
      `not within ${withinMs} ms\n${cluster.world.log.lines('info').slice(-60).join('\n')}`,
    );
  }
  return time.nowMs - beganMs;
}

const wait = async (cluster: SimCluster, ms: number): Promise<void> => {
  await cluster.world.time.runUntil(() => false, ms);
};

function stopManagers(cluster: SimCluster): void {
  for (const { machine } of cluster.managers) machine.powerOff();
}

function startManagers(cluster: SimCluster): void {
  for (const { machine } of cluster.managers) machine.powerOn();
}

function isolate(cluster: SimCluster, name: string): void {
  const { network } = cluster.world;
  for (const host of network.hosts()) {
    network.cut(name, host);
    network.cut(host, name);
  }
}

const placesOf = (cluster: SimCluster): readonly (readonly string[])[] =>
  vms.map((vm) => cluster.whereIs(vm));

describe('nodes that fence themselves and see each other', () => {
  it('M4: stop no VM while every manager is down for five minutes, nor when they come back', async () => {
    const cluster = await heldCluster();
    const before = placesOf(cluster);
    const boots = cluster.nodes.map(({ machine }) => machine.bootId);
    stopManagers(cluster);
    await wait(cluster, 300_000);
    expect(placesOf(cluster)).toEqual(before);
    startManagers(cluster);
    await wait(cluster, 60_000);
    expect(placesOf(cluster)).toEqual(before);
    expect(cluster.nodes.map(({ machine }) => machine.bootId)).toEqual(boots);
    expect(cluster.store.machine.list('fence/')).toEqual([]);
    for (const { agent } of cluster.nodes) expect(agent?.status().leaseLeftMs).toBeGreaterThan(0);
  });

  it('W18: stop theirs when one of them is cut off while no manager is there: that one alone', async () => {
    const cluster = await heldCluster();
    const home = cluster.node(cluster.whereIs('web')[0] ?? '');
    const others = cluster.nodes.filter((node) => node !== home);
    stopManagers(cluster);
    await wait(cluster, 60_000);
    const before = others.map((node: ClusterNode) => node.runningVms());
    expect(before.flat().length + home.runningVms().length).toBe(vms.length);
    isolate(cluster, home.name);
    // L since its last promise, and G.
    const tookMs = await until(cluster, () => home.runningVms().length === 0, 9000);
    expect(tookMs).toBeGreaterThan(3000);
    await wait(cluster, 30_000);
    expect(others.map((node: ClusterNode) => node.runningVms())).toEqual(before);
  });

  it('W1: cut off alone it dies, and its VM starts elsewhere by the word of the other two', async () => {
    const cluster = await heldCluster();
    const home = cluster.node(cluster.whereIs('web')[0] ?? '');
    home.bmc.mode = { kind: 'dead' };
    isolate(cluster, home.name);
    const tookMs = await until(
      cluster,
      () => cluster.whereIs('web').length === 1 && cluster.whereIs('web')[0] !== home.name,
      30_000,
    );
    expect(tookMs).toBeGreaterThan(20_000);
    expect(recordOf(cluster, 'fence/F-1').proof?.kind).toBe('selfFence');
  });
});
