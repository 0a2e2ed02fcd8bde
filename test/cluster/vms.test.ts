import { expect, test } from 'vitest';
import type { SimHost } from '../../chaos/sim/sim-host.ts';
import { nodeId, vmId } from '../../src/core/model/ids.ts';
import type { VmId } from '../../src/core/model/ids.ts';
import { clusterOfVms } from './testing/cluster-of-vms.ts';

test('V8: a VM that must not run beside another waits when nothing else is left, and says why', async () => {
  const apart = { 'vm-1': {}, 'vm-2': { separateFrom: ['vm-1'] } };
  const it = await clusterOfVms({ nodes: 2, bootMs: 10_000, vms: apart });
  const node = it.homeOf('vm-2');
  node.machine.powerOff();
  await it.until(() => it.stored(`node/${node.name}`)['phase'] === 'fenced');
  await it.runFor(30_000);
  expect(it.cluster.whereIs('vm-2')).toEqual([]);
  const { state, reason } = await it.vm('vm-2');
  expect(state).toBe('recovering');
  expect(reason).toContain('must not share a node with vm-1');
  node.machine.powerOn();
  await it.until(() => it.everyVmRuns(), 120_000);
  expect(it.homeOf('vm-2')).toBe(node);
  expect(it.overlaps()).toEqual([]);
});

test('V18: a VM that only its dead node can run waits for it, says so, and does not fail', async () => {
  const bound = { 'vm-1': { nodes: [nodeId('node-1')] }, 'vm-2': {} };
  const it = await clusterOfVms({ bootMs: 10_000, vms: bound });
  const node = it.cluster.node('node-1');
  node.machine.powerOff();
  await it.until(() => it.stored('node/node-1')['phase'] === 'fenced');
  await it.runFor(120_000);
  expect(it.cluster.whereIs('vm-1')).toEqual([]);
  const { state, reason } = await it.vm('vm-1');
  expect(state).toBe('recovering');
  expect(reason).toContain('not among its allowed nodes (node-1)');
  node.machine.powerOn();
  await it.until(() => it.everyVmRuns(), 120_000);
  expect(it.homeOf('vm-1')).toBe(node);
});

test('S2: when all nodes lose their storage nobody is fenced and no VM is restarted', async () => {
  const it = await clusterOfVms();
  const { writes } = it.cluster.world;
  const history = (): unknown => writes.disks().map((disk) => writes.intervals(disk));
  const before = history();
  const disks: { readonly host: SimHost; readonly id: VmId }[] = [];
  for (const vm of it.vms) {
    disks.push({ host: it.homeOf(vm).hypervisor, id: vmId((await it.vm(vm)).id) });
  }
  for (const { host, id } of disks) host.ioError(id);
  await it.runFor(120_000);
  expect((await it.vm('vm-1')).state).toBe('paused');
  for (const { host, id } of disks) host.resume(id);
  await it.runFor(30_000);
  expect(history()).toEqual(before);
  expect(it.cluster.nodes.map((node) => node.bmc.received.off)).toEqual([0, 0, 0]);
  expect((await it.vm('vm-1')).state).toBe('running');
});
