import { describe, expect, it } from 'vitest';
import type { SimClusterOptions } from './cluster.ts';
import { SimCluster } from './cluster.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { WatchdogTraits } from './watchdog-device.ts';

const strong: WatchdogTraits = { kind: 'strong', timeoutMs: 5000, resetMs: 500, held: true };

/** Three nodes with such a watchdog each, one manager, and a VM that runs. */
async function clusterWith(
  watchdog: WatchdogTraits | null,
  options: Partial<SimClusterOptions> = {},
): Promise<{ cluster: SimCluster; home: ClusterNode }> {
  const nodes = ['node-1', 'node-2', 'node-3'];
  const cluster = new SimCluster({
    seed: 5,
    managers: 1,
    nodes: 3,
    bootMs: 5000,
    guard: false,
    ...(watchdog === null
      ? {}
      : { watchdogs: Object.fromEntries(nodes.map((name) => [name, watchdog])) }),
    ...options,
  });
  await cluster.start();
  await cluster.createVm('web');
  await until(cluster, () => cluster.whereIs('web').length === 1, 30_000);
  const home = cluster.node(cluster.whereIs('web')[0] ?? '');
  await cluster.world.time.runUntil(() => false, 3000);
  return { cluster, home };
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

function isolationOf(cluster: SimCluster, node: string): string | undefined {
  return recordOf(cluster, `node/${node}`)?.incarnation?.isolation;
}

interface Stored {
  readonly incarnation?: { readonly isolation: string } | null;
  readonly proof?: { readonly kind: string } | null;
  readonly phase?: string;
}

function recordOf(cluster: SimCluster, key: string): Stored | null {
  const item = cluster.store.machine.list(key).find((each) => each.key === key);
  return item === undefined ? null : (JSON.parse(item.value) as Stored);
}

const elsewhere = (cluster: SimCluster, home: ClusterNode): boolean => {
  const where = cluster.whereIs('web');
  return where.length === 1 && where[0] !== home.name;
};

describe('a node with a strong watchdog', () => {
  it('is recorded as self-fencing once its petter knows its VMs', async () => {
    const { cluster, home } = await clusterWith(strong);
    expect(isolationOf(cluster, home.name)).toBe('selfFencing');
    expect(home.watchdog?.petter?.phase).toBe('guarding');
    expect(home.watchdog?.petter?.token?.vms).toHaveLength(1);
  });

  it('N2 B10: loses power together with its BMC and is recovered by selfFence alone', async () => {
    const { cluster, home } = await clusterWith(strong);
    home.bmc.mode = { kind: 'dead' };
    home.machine.powerOff();
    const tookMs = await until(cluster, () => elsewhere(cluster, home), 30_000);
    expect(tookMs).toBeGreaterThan(20_000);
    expect(recordOf(cluster, 'fence/F-1')?.proof?.kind).toBe('selfFence');
  });

  it('W1: that hears nobody kills its VMs, lives on, and is taken back without them', async () => {
    const { cluster, home } = await clusterWith(strong);
    const boot = home.machine.bootId;
    home.bmc.mode = { kind: 'dead' };
    for (const host of cluster.world.network.hosts()) {
      cluster.world.network.cut(home.name, host);
      cluster.world.network.cut(host, home.name);
    }
    const stoppedMs = await until(cluster, () => home.runningVms().length === 0, 10_000);
    expect(stoppedMs).toBeGreaterThan(5000);
    await until(cluster, () => elsewhere(cluster, home), 25_000);
    expect(home.watchdog?.petter?.phase).toBe('contained');
    cluster.world.network.healAll();
    await until(cluster, () => recordOf(cluster, `node/${home.name}`)?.phase === 'online', 20_000);
    expect(home.machine.bootId).toBe(boot);
    expect(elsewhere(cluster, home)).toBe(true);
  });

  it('N9 N13: whose agent or petter dies, and is back within the lease, is left alone', async () => {
    const { cluster, home } = await clusterWith(strong);
    const boot = home.machine.bootId;
    home.machine.crash('agent');
    home.machine.crash('watchdog');
    await wait(cluster, 30_000);
    expect(home.machine.bootId).toBe(boot);
    expect(cluster.whereIs('web')).toEqual([home.name]);
    expect(isolationOf(cluster, home.name)).toBe('selfFencing');
  });

  it('N10: whose agent does not come back stops its VMs at the end of the lease', async () => {
    const { cluster, home } = await clusterWith(strong, { agentRestartMs: null });
    // Otherwise it is fenced first.
    home.bmc.mode = { kind: 'dead' };
    home.machine.crash('agent');
    const tookMs = await until(cluster, () => home.runningVms().length === 0, 7000);
    expect(tookMs).toBeGreaterThan(5000);
  });

  it('resets itself when a VM cannot be killed, within the bound', async () => {
    const { cluster, home } = await clusterWith(strong);
    const boot = home.machine.bootId;
    home.bmc.mode = { kind: 'dead' };
    for (const { vm } of home.hypervisor.domains()) {
      home.hypervisor.setTemper(vm, { starts: () => true, stops: false });
    }
    for (const host of cluster.world.network.hosts()) cluster.world.network.cut(host, home.name);
    const tookMs = await until(cluster, () => home.machine.bootId !== boot, 6000 + 3000 + 10_000);
    expect(tookMs).toBeGreaterThan(6000 + 3000);
  });
});

describe.each([
  ['none', null],
  ['one that dies with its kernel', { ...strong, kind: 'weak' } as const],
  ['one whose firmware doubles the timeout', { ...strong, kind: 'late' } as const],
  ['one of another timeout', { ...strong, timeoutMs: 10_000 }],
])('N24 N25: a node with a watchdog: %s', (_, watchdog) => {
  it('holds, and is never proven dead by time', async () => {
    const { cluster, home } = await clusterWith(watchdog);
    expect(isolationOf(cluster, home.name)).toBe('holding');
    home.bmc.mode = { kind: 'dead' };
    for (const host of cluster.world.network.hosts()) {
      cluster.world.network.cut(home.name, host);
      cluster.world.network.cut(host, home.name);
    }
    await wait(cluster, 60_000);
    expect(cluster.whereIs('web')).toEqual([home.name]);
    expect(recordOf(cluster, 'fence/F-1')?.phase).not.toBe('proven');
  });
});
