import { expect, test } from 'vitest';
import { operationId } from '../../src/core/model/ids.ts';
import { restoredContent } from '../../src/manager/restored-content.ts';
import { contentOf, type StoreContent } from '../../src/store/backup/content.ts';
import { epochBaseKey } from '../../src/store/leadership-key.ts';
import type { Write } from '../../src/store/store.ts';
import { clusterOfVms, type ClusterOfVms } from './testing/cluster-of-vms.ts';

/** Everything that the store holds, as `kennel backup` takes it. */
function backup(it: ClusterOfVms): StoreContent {
  const { machine } = it.cluster.store;
  return contentOf(machine.list(''), machine.revision);
}

/** All managers stop, the store is put back to the backup as `kennel restore` does it. */
async function stopAndRestore(it: ClusterOfVms, content: StoreContent): Promise<void> {
  const { managers, store, world } = it.cluster;
  for (const { machine } of managers) machine.powerOff();
  await it.until(() => it.cluster.leaders().length === 0 && store.leader === null);
  const nowIso = world.env.clock.wallIso();
  const { items, epoch } = restoredContent(content, { nowIso, isAlone: false });
  const write = (then: readonly Write[]): void => {
    const operation = operationId(`restore/${nowIso}`);
    expect(store.evaluate({ operation, compare: [], then }).kind).toBe('committed');
  };
  write(store.machine.list('').map(({ key }): Write => ({ kind: 'delete', key })));
  write([
    ...items.map(([key, value]): Write => ({ kind: 'put', key, value })),
    { kind: 'put', key: epochBaseKey, value: String(epoch) },
  ]);
}

function start(it: ClusterOfVms): void {
  for (const { machine } of it.cluster.managers) machine.startBooted();
}

/** The epoch in which somebody leads. */
async function epochOf(it: ClusterOfVms): Promise<number> {
  const view = await it.cluster.ask(({ manager }) => {
    if (manager === null) throw new Error('the leader is gone');
    return manager.service.managers();
  });
  return view.kind === 'ok' ? view.value.epoch : 0;
}

const permitOf = (
  it: ClusterOfVms,
  id: string,
): { readonly node: string; readonly token: number } =>
  it.stored(`vm/${id}`)['permit'] as { node: string; token: number };

/** Who wrote to which disk, and from when to when. */
const history = (it: ClusterOfVms): string => {
  const { writes } = it.cluster.world;
  return JSON.stringify(writes.disks().map((disk) => writes.intervals(disk)));
};

/** vm-1 fails over after the backup was made; then the store is restored from it. */
async function restoredAfterFailover(options: Parameters<typeof clusterOfVms>[0]) {
  const it = await clusterOfVms(options);
  const old = backup(it);
  const lost = it.homeOf('vm-1');
  lost.machine.powerOff();
  await it.until(() => it.everyVmRuns() && it.homeOf('vm-1') !== lost);
  const { id } = await it.vm('vm-1');
  const holder = it.homeOf('vm-1');
  await stopAndRestore(it, old);
  return { it, lost, id, holder };
}

test('M7: a store restored from before a failover takes the VMs over where they run, and touches none', async () => {
  const it = await clusterOfVms({ bootMs: 10_000 });
  const old = backup(it);
  const lost = it.homeOf('vm-1');
  lost.machine.powerOff();
  await it.until(() => it.everyVmRuns() && it.homeOf('vm-1') !== lost);
  await it.cluster.createVm('vm-late');
  await it.until(() => it.cluster.whereIs('vm-late').length === 1);
  const { id } = await it.vm('vm-1');
  const late = await it.vm('vm-late');
  await it.runFor(10_000);
  const newHome = it.homeOf('vm-1').name;
  const before = { epoch: await epochOf(it), permit: permitOf(it, id) };
  const offs = it.cluster.nodes.map((node) => node.bmc.received.off);
  const ran = history(it);
  await stopAndRestore(it, old);
  expect(permitOf(it, id).node).toBe(lost.name);
  start(it);
  await it.until(() => {
    const permit = it.stored(`vm/${id}`)['permit'] as { node?: string } | null;
    return permit?.node === newHome && it.stored(`vm/${id}`)['adopting'] === false;
  }, 180_000);
  await it.runFor(60_000);
  expect(history(it)).toBe(ran);
  expect(it.overlaps()).toEqual([]);
  expect(permitOf(it, id).token).toBeGreaterThan(before.permit.token);
  expect(await epochOf(it)).toBeGreaterThan(before.epoch);
  // Nobody who lives was fenced: the lost node is off, and found to be so.
  const living = it.cluster.nodes.map(
    (node, index) => node === lost || node.bmc.received.off === offs[index],
  );
  expect(living).toEqual([true, true, true]);
  // What was made since has no record, and is not touched.
  expect(it.stored(`vm/${late.id}`)).toEqual({});
  expect(it.cluster.whereIs('vm-late')).toHaveLength(1);
});

test('M7: a node that stays silent after a restore is proven off before its VMs run elsewhere', async () => {
  const { it, lost, id, holder } = await restoredAfterFailover({
    bootMs: 10_000,
    agentRestartMs: null,
  });
  holder.machine.crash('agent');
  start(it);
  await it.until(() => it.everyVmRuns() && permitOf(it, id).node !== lost.name, 240_000);
  await it.runFor(10_000);
  expect(it.homeOf('vm-1')).not.toBe(holder);
  expect(holder.bmc.received.off).toBeGreaterThan(0);
  expect(it.overlaps()).toEqual([]);
});

test('M7: no VM moves while a node has not said what it runs since the restore', async () => {
  const { it, id, holder } = await restoredAfterFailover({ bootMs: 10_000 });
  // The holder runs it on, and its agent is heard of only later; the record names the lost node.
  holder.machine.crash('agent');
  start(it);
  await it.until(() => it.everyVmRuns() && permitOf(it, id).node === holder.name, 240_000);
  expect(it.overlaps()).toEqual([]);
});
