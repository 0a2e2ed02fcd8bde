import { expect, test } from 'vitest';
import { SimCluster } from './cluster.ts';
import { storeDirectory } from './raft-sim-store.ts';

async function withVm(): Promise<SimCluster> {
  const cluster = new SimCluster({
    seed: 1,
    managers: 1,
    nodes: 2,
    store: 'raft',
    bootMs: 5000,
    declareCapacity: true,
  });
  await cluster.start();
  await cluster.createVm('vm-1');
  const runs = (): boolean => cluster.whereIs('vm-1').length === 1;
  expect(await cluster.world.time.runUntil(runs, 30_000)).toBe(true);
  return cluster;
}

const leads = (cluster: SimCluster): boolean => cluster.leaders().length === 1;

test('after a loss of power the manager goes on from the log on its disk', async () => {
  const cluster = await withVm();
  const [manager] = cluster.managers;
  const before = cluster.store.machine.list('vm/').map(({ value }) => value);
  manager?.machine.powerOff();
  expect(leads(cluster)).toBe(false);
  manager?.machine.powerOn();
  const { time } = cluster.world;
  expect(await time.runUntil(() => leads(cluster), 30_000)).toBe(true);
  expect(cluster.store.machine.list('vm/').map(({ value }) => value)).toEqual(before);
  const [home = ''] = cluster.whereIs('vm-1');
  cluster.node(home).machine.powerOff();
  const moved = (): boolean => cluster.whereIs('vm-1').length === 1;
  expect(await time.runUntil(moved, 30_000)).toBe(true);
});

test('M6: a failed sync ends the process, and its next start leads again', async () => {
  const cluster = await withVm();
  const [manager] = cluster.managers;
  const first = manager?.process;
  manager?.disk.inject({ operation: 'datasync', code: 'EIO' });
  const asked = cluster.createVm('vm-2').catch(() => undefined);
  const { time } = cluster.world;
  await asked;
  expect(first?.dead).toBe(true);
  expect(await time.runUntil(() => leads(cluster), 30_000)).toBe(true);
});

test('M6: a log with a turned bit is refused until the bit is put right', async () => {
  const cluster = await withVm();
  const [manager] = cluster.managers;
  if (manager === undefined) throw new Error('no manager');
  const path = manager.disk.paths().find((each) => each.endsWith('.seg')) ?? '';
  expect(path).toContain(storeDirectory);
  manager.disk.flip(path, 40);
  manager.machine.crash('manager');
  const { time } = cluster.world;
  expect(await time.runUntil(() => leads(cluster), 30_000)).toBe(false);
  manager.disk.flip(path, 40);
  expect(await time.runUntil(() => leads(cluster), 30_000)).toBe(true);
});
