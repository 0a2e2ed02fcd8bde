import { expect, test } from 'vitest';
import { clusterOfVms, type ClusterOfVms } from './testing/cluster-of-vms.ts';

/** The first node reboots five times within minutes. */
async function withFlappingNode(): Promise<ClusterOfVms> {
  const it = await clusterOfVms({ managers: 1, bootMs: 2000 });
  const node = it.cluster.node('node-1');
  for (let resets = 0; resets < 5; resets += 1) {
    node.machine.reset();
    await it.until(() => isAdmitted(it) && it.everyVmRuns(), 120_000);
    await it.runFor(30_000);
  }
  return it;
}

const phase = (it: ClusterOfVms): unknown => it.stored('node/node-1')['phase'];
const isAdmitted = (it: ClusterOfVms): boolean =>
  phase(it) === 'online' || phase(it) === 'quarantined';

/** On which node a new VM is placed that was to begin on the first. */
async function placeOf(it: ClusterOfVms, name: string): Promise<string> {
  await it.cluster.createVm(name, { memoryMiB: 40 * 1024 });
  await it.until(() => it.cluster.whereIs(name).length === 1);
  return it.homeOf(name).name;
}

test('N20: a node that flaps five times in an hour gets no VM, and leaves by the command that its alarm names', async () => {
  const it = await withFlappingNode();
  expect(phase(it)).toBe('quarantined');
  const [finding] = (await it.findings()).filter(({ code }) => code === 'NODE_QUARANTINED');
  expect(finding?.try).toContain('kennel node unquarantine node-1');
  // Two fill the other nodes; the third would have only the first one left.
  expect(await placeOf(it, 'big-1')).not.toBe('node-1');
  expect(await placeOf(it, 'big-2')).not.toBe('node-1');
  await it.cluster.createVm('big-3', { memoryMiB: 40 * 1024 });
  await it.runFor(60_000);
  expect(it.cluster.whereIs('big-3')).toEqual([]);
  await it.must((service, caller) => service.unquarantine('node-1', caller));
  await it.until(() => it.cluster.whereIs('big-3').includes('node-1'));
  expect(phase(it)).toBe('online');
  expect(it.overlaps()).toEqual([]);
});

test('N20: it leaves quarantine by itself after a quiet time, and not before', async () => {
  const it = await withFlappingNode();
  await it.runFor(20 * 60_000);
  expect(phase(it)).toBe('quarantined');
  await it.runFor(12 * 60_000);
  expect(phase(it)).toBe('online');
});
