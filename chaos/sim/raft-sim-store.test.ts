import { expect, test } from 'vitest';
import { SimCluster } from './cluster.ts';
import type { ClusterManager } from './cluster-manager.ts';

const computesMs = 120_000;

async function withVm(options: {
  managers: number;
  joining?: number;
  hasWitness?: boolean;
}): Promise<SimCluster> {
  const cluster = new SimCluster({
    seed: 1,
    nodes: 2,
    store: 'raft',
    bootMs: 5000,
    declareCapacity: true,
    ...options,
  });
  await cluster.start();
  await cluster.createVm('vm-1');
  const runs = (): boolean => cluster.whereIs('vm-1').length === 1;
  expect(await cluster.world.time.runUntil(runs, 30_000)).toBe(true);
  return cluster;
}

function leaderOf(cluster: SimCluster): ClusterManager {
  const [leader] = cluster.leaders();
  if (leader === undefined) throw new Error('nobody leads');
  return leader;
}

const vmRecords = (cluster: SimCluster): readonly string[] =>
  cluster.store.machine.list('vm/').map(({ value }) => value);

test.each([3, 5])(
  'one of %d managers that led loses power, and another one moves the VM of a dead node',
  async (managers) => {
    const cluster = await withVm({ managers });
    const { time } = cluster.world;
    const first = leaderOf(cluster);
    const before = vmRecords(cluster);
    first.machine.powerOff();
    expect(await time.runUntil(() => cluster.leaders().length === 1, 30_000)).toBe(true);
    expect(leaderOf(cluster)).not.toBe(first);
    expect(vmRecords(cluster)).toEqual(before);
    const [home = ''] = cluster.whereIs('vm-1');
    cluster.node(home).machine.powerOff();
    const moved = (): boolean => cluster.whereIs('vm-1').length === 1;
    expect(await time.runUntil(moved, 40_000)).toBe(true);
  },
  computesMs,
);

test(
  'all managers lose power at once, and come back with what was acknowledged',
  async () => {
    const cluster = await withVm({ managers: 3 });
    const before = vmRecords(cluster);
    for (const { machine } of cluster.managers) machine.powerOff();
    for (const { machine } of cluster.managers) machine.powerOn();
    const { time } = cluster.world;
    expect(await time.runUntil(() => cluster.leaders().length === 1, 30_000)).toBe(true);
    expect(vmRecords(cluster)).toEqual(before);
  },
  computesMs,
);

test(
  'the leader cut off from the other managers leads no longer when another one does',
  async () => {
    const cluster = await withVm({ managers: 3 });
    const { time, network } = cluster.world;
    const first = leaderOf(cluster);
    for (const peer of cluster.store.peers(first.name)) network.cutBoth(first.name, peer);
    const other = (): boolean => cluster.leaders().some((each) => each !== first);
    expect(await time.runUntil(other, 30_000)).toBe(true);
    expect(cluster.leaders()).not.toContain(first);
  },
  computesMs,
);

test(
  'managers that join while the cluster runs become voters',
  async () => {
    const cluster = await withVm({ managers: 3, joining: 2 });
    const roles = (): readonly string[] =>
      cluster.store.machine
        .list('manager/')
        .map(({ value }) => (JSON.parse(value) as { readonly role: string }).role);
    const voters = (): boolean => roles().every((role) => role === 'voter');
    expect(await cluster.world.time.runUntil(voters, 30_000)).toBe(true);
    expect(roles()).toHaveLength(3);
  },
  computesMs,
);

test(
  'a witness and a manager that lags survive: the manager leads, with all that was acknowledged',
  async () => {
    const cluster = await withVm({ managers: 3, hasWitness: true });
    const { time, network } = cluster.world;
    const first = leaderOf(cluster);
    const lagging = cluster.managers.find((each) => each !== first && !each.isWitness);
    if (lagging === undefined) throw new Error('nobody can lag');
    for (const peer of cluster.store.peers(lagging.name)) network.cutBoth(lagging.name, peer);
    await cluster.createVm('vm-2');
    const acknowledged = vmRecords(cluster);
    expect(acknowledged).toHaveLength(2);
    first.machine.powerOff();
    for (const peer of cluster.store.peers(lagging.name)) network.healBoth(lagging.name, peer);
    expect(await time.runUntil(() => cluster.leaders().includes(lagging), 30_000)).toBe(true);
    const kept = vmRecords(cluster).map((text) => (JSON.parse(text) as { id: string }).id);
    expect(kept).toEqual(acknowledged.map((text) => (JSON.parse(text) as { id: string }).id));
  },
  computesMs,
);

test(
  'a witness alone with a manager that is gone leads nothing',
  async () => {
    const cluster = await withVm({ managers: 3, hasWitness: true });
    for (const { machine, isWitness } of cluster.managers) if (!isWitness) machine.powerOff();
    const { time } = cluster.world;
    expect(await time.runUntil(() => cluster.leaders().length > 0, 20_000)).toBe(false);
  },
  computesMs,
);
