import { expect, test } from 'vitest';
import { clusterOfVms } from './testing/cluster-of-vms.ts';

test('M8: with full disks the store takes no changes and says so; a fence operation, its proof and the failover still fit', async () => {
  const it = await clusterOfVms({ store: 'raft' });
  const node = it.homeOf('vm-1');
  for (const { disk } of it.cluster.managers) disk.setCapacity(disk.usedBytes);
  await it.runFor(5000);
  let refusal = '';
  for (let number = 0; number < 100 && refusal === ''; number += 1) {
    refusal = await it.cluster.createVm(`more-${number}`).then(() => '', String);
  }
  expect(refusal).toContain('no space left');
  const [finding] = (await it.findings()).filter(({ code }) => code === 'STORE_READ_ONLY');
  expect(finding).toMatchObject({ severity: 'critical' });
  node.machine.panic();
  await it.until(() => it.fencePhase() === 'proven' || it.fencePhase() === 'closed');
  expect(it.stored('fence/F-1')['proof']).toMatchObject({ kind: 'powerOff' });
  expect(node.bmc.executed.off).toBe(1);
  await it.until(() => it.everyVmRuns());
  for (const { disk } of it.cluster.managers) disk.setCapacity(Number.MAX_SAFE_INTEGER);
  await it.runFor(10_000);
  await it.cluster.createVm('last');
  expect((await it.findings()).map(({ code }) => code)).not.toContain('STORE_READ_ONLY');
  expect(it.overlaps()).toEqual([]);
});

test('M11: while the store is down all VMs run on, what is read is old, and nothing is taken for deleted', async () => {
  const it = await clusterOfVms();
  await it.runFor(5000);
  const before = it.history();
  const records = it.cluster.store.machine.list('vm/');
  const { store, managers } = it.cluster;
  for (const { name } of managers) store.cut(name);
  await it.runFor(60_000);
  for (const { manager } of managers) {
    if (manager === null) throw new Error('a manager is down');
    const view = await it.cluster.settle(() => manager.service.status());
    if (view.kind === 'problem') throw new Error(view.problem.because);
    expect(view.value.findings.map(({ code }) => code)).toContain('NO_QUORUM');
  }
  await it.runFor(60_000);
  for (const { name } of managers) store.heal(name);
  await it.until(() => it.cluster.leaders().length === 1);
  await it.runFor(60_000);
  expect(it.history()).toEqual(before);
  expect(store.machine.list('vm/').map(({ value }) => value)).toEqual(
    records.map(({ value }) => value),
  );
  expect(it.offs()).toEqual([0, 0, 0]);
});

test('M13: a manager whose watch missed what the store has forgotten reads all of it again before it leads', async () => {
  const it = await clusterOfVms();
  const { store, managers } = it.cluster;
  const [leader] = it.cluster.leaders();
  const behind = managers.find((one) => one !== leader);
  if (leader === undefined || behind === undefined) throw new Error('two managers are wanted');
  store.cut(behind.name);
  await it.cluster.createVm('unseen', { nodes: [] });
  await it.until(() => it.cluster.whereIs('unseen').length === 1);
  const home = it.homeOf('unseen');
  store.forgetHistory();
  store.heal(behind.name);
  await it.runFor(10_000);
  const seen = await it.cluster.settle(
    () => behind.manager?.service.vm('unseen') ?? Promise.reject(new Error('it is down')),
  );
  expect(seen).toMatchObject({ kind: 'ok', value: { state: 'running' } });
  // All others are gone for good: this one has to know what it did not see.
  for (const { name, machine } of managers) if (name !== behind.name) machine.powerOff();
  await it.until(() => it.cluster.leaders().includes(behind), 60_000);
  home.machine.panic();
  await it.until(
    () => it.cluster.whereIs('unseen').length === 1 && it.homeOf('unseen') !== home,
    60_000,
  );
  await it.until(() => it.everyVmRuns());
  expect(it.overlaps()).toEqual([]);
});
