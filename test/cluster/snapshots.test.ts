import { expect, test } from 'vitest';
import { identityOf } from '../../chaos/sim/cluster-world.ts';
import { defaultMigrationLimits } from '../../src/core/model/move.ts';
import type { SnapshotWish } from '../../src/core/model/vm-snapshot.ts';
import { clusterOfVms, type ClusterOfVms } from './testing/cluster-of-vms.ts';

const caller = ({ cluster }: ClusterOfVms) => ({
  identity: identityOf(cluster.world, 'admin', 'ann'),
  dryRun: false,
  reason: null,
});

let calls = 0;

async function ask(site: ClusterOfVms, wish: SnapshotWish): Promise<string> {
  calls += 1;
  const request = `call-${calls}`;
  const body = { wish, snapshot: 's-1', note: null, request };
  const outcome = await site.cluster.ask(({ manager }) => {
    if (manager === null) throw new Error('the leader is gone');
    return manager.service.vmVerbs.snapshot('vm-1', body, caller(site));
  });
  if (outcome.kind === 'problem') throw new Error(outcome.problem.because);
  return request;
}

/** What became of a call. */
async function ended(site: ClusterOfVms, request: string): Promise<string> {
  for (let look = 0; look < 120; look += 1) {
    const { acted, lock } = await site.vm('vm-1');
    const found = acted.find((one) => one.request === request);
    if (found !== undefined) return `${found.outcome}, ${lock === null ? 'unlocked' : 'locked'}`;
    await site.runFor(500);
  }
  return 'open';
}

const domainAt = (site: ClusterOfVms, node: string) =>
  site.cluster
    .node(node)
    .hypervisor.domains()
    .find(({ name }) => name === 'vm-1');

/** A revert that has ended the old process, and not begun the new one. */
async function amidRevert(site: ClusterOfVms): Promise<string> {
  expect(await ended(site, await ask(site, 'create'))).toBe('done, unlocked');
  const home = site.homeOf('vm-1').name;
  const request = await ask(site, 'revert');
  await site.until(() => domainAt(site, home)?.reason === 'fromSnapshot');
  expect(domainAt(site, home)?.live).toBeUndefined();
  return request;
}

test('a VM goes back to its snapshot under its permit, also where it migrated to', async () => {
  const site = await clusterOfVms();
  expect(await ended(site, await ask(site, 'create'))).toBe('done, unlocked');
  expect(await ended(site, await ask(site, 'revert'))).toBe('done, unlocked');
  expect((await site.vm('vm-1')).permit?.token).toBe(1);
  const home = site.homeOf('vm-1').name;
  const move = { to: null, way: 'live', limits: defaultMigrationLimits } as const;
  await site.cluster.ask(({ manager }) => {
    if (manager === null) throw new Error('the leader is gone');
    return manager.service.moveVm('vm-1', move, caller(site));
  });
  await site.until(() => site.cluster.whereIs('vm-1').some((node) => node !== home));
  await site.runFor(3000);
  const there = (await site.vm('vm-1')).permit;
  expect(await ended(site, await ask(site, 'revert'))).toBe('done, unlocked');
  expect((await site.vm('vm-1')).permit).toEqual(there);
  expect(await ended(site, await ask(site, 'delete'))).toBe('done, unlocked');
  expect((await site.vm('vm-1')).snapshots).toEqual([]);
  expect(site.overlaps()).toEqual([]);
}, 60_000);

test('a leader that dies amid a revert leaves it to the next one, which starts nothing', async () => {
  const site = await clusterOfVms({ managers: 3 });
  const request = await amidRevert(site);
  site.cluster.leaders()[0]?.machine.crash('manager');
  expect(await ended(site, request)).toBe('done, unlocked');
  await site.runFor(20_000);
  expect(await site.vm('vm-1')).toMatchObject({ state: 'running', permit: { token: 1 } });
  expect(site.overlaps()).toEqual([]);
}, 60_000);

test('a node that loses power amid a revert keeps nobody from a start elsewhere', async () => {
  const site = await clusterOfVms();
  const request = await amidRevert(site);
  const home = (await site.vm('vm-1')).node ?? '';
  site.cluster.node(home).machine.powerOff();
  await site.until(() => site.cluster.whereIs('vm-1').some((node) => node !== home));
  expect(await ended(site, request)).toBe('unknown, unlocked');
  expect((await site.vm('vm-1')).snapshots).toMatchObject([{ name: 's-1', state: 'ready' }]);
  expect(site.overlaps()).toEqual([]);
}, 60_000);

test('N9: an agent that starts anew amid a revert finds one process in the end, and reports it', async () => {
  const site = await clusterOfVms();
  const request = await amidRevert(site);
  const home = (await site.vm('vm-1')).node ?? '';
  site.cluster.node(home).machine.crashAgent();
  expect(await ended(site, request)).toBe('unknown, unlocked');
  await site.runFor(30_000);
  expect((await site.vm('vm-1')).state).toBe('running');
  expect(site.cluster.whereIs('vm-1')).toHaveLength(1);
  expect(site.overlaps()).toEqual([]);
}, 60_000);
