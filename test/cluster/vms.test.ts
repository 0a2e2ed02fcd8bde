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

/** A guest panics under this policy; what libvirt did about its process, it was told by the spec. */
async function panicked(onCrash: 'restart' | 'preserve' | 'stayOff', isKept: boolean) {
  const guest = { onShutdown: 'restart', onCrash, health: null } as const;
  const it = await clusterOfVms({ vms: { 'vm-1': { guest }, 'vm-2': {} } });
  const node = it.homeOf('vm-1');
  const id = vmId((await it.vm('vm-1')).id);
  await it.runFor(5000);
  let starts = 0;
  const ask = node.hypervisor.startAsked.bind(node.hypervisor);
  node.hypervisor.startAsked = (permit) => {
    if (permit.vm === id) starts += 1;
    ask(permit);
  };
  node.hypervisor.panicGuest(id, isKept);
  await it.runFor(60_000);
  expect(it.offs()).toEqual([0, 0, 0]);
  expect(it.stored(`node/${node.name}`)).toMatchObject({ phase: 'online' });
  return { it, node, starts };
}

test.each([false, true])(
  'V2: a guest that panics is started anew on its node where that is the policy (its process is kept: %s)',
  async (isKept) => {
    const { it, node, starts } = await panicked('restart', isKept);
    expect(starts).toBe(1);
    expect(it.homeOf('vm-1')).toBe(node);
  },
);

test('V2: it is left as it is where that is the policy, with an alarm', async () => {
  const { it, starts } = await panicked('preserve', true);
  expect(starts).toBe(0);
  expect(await it.findings()).toContainEqual(
    expect.objectContaining({ code: 'VM_PANICKED', severity: 'critical', subject: 'vm-1' }),
  );
});

test.each([false, true])(
  'V2: it stays off where that is the policy (its process is kept: %s)',
  async (isKept) => {
    const { it, starts } = await panicked('stayOff', isKept);
    expect(starts).toBe(0);
    expect(await it.vm('vm-1')).toMatchObject({ desired: 'stopped', state: 'stopped' });
    expect(it.cluster.whereIs('vm-1')).toEqual([]);
  },
);

test('V6: a VM whose definition libvirt refuses fails with the reason, and no node is the worse for it', async () => {
  const it = await clusterOfVms();
  const refused = {
    kind: 'fails',
    code: 'libvirtXmlDetail',
    message: 'XML error: unknown machine type',
  } as const;
  for (const { hypervisor } of it.cluster.nodes) {
    for (let times = 0; times < 40; times += 1) hypervisor.inject('define', refused);
  }
  const before = it.history();
  await it.cluster.createVm('broken');
  const state = async (): Promise<string> => (await it.vm('broken')).state;
  for (let minutes = 0; minutes < 20 && (await state()) !== 'failed'; minutes += 1) {
    await it.runFor(60_000);
  }
  expect(await it.vm('broken')).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining('unknown machine type'),
  });
  const [finding] = (await it.findings()).filter(({ subject }) => subject === 'broken');
  expect(finding).toMatchObject({ code: 'VM_FAILED', severity: 'critical' });
  expect(it.history()).toEqual(before);
  expect(it.offs()).toEqual([0, 0, 0]);
  for (const { name } of it.cluster.nodes) {
    expect(it.stored(`node/${name}`)).toMatchObject({ phase: 'online' });
  }
});
