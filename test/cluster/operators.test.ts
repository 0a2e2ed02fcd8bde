import { describe, expect, test } from 'vitest';
import type { MaintainNode } from '../../src/api/schema/maintenance.ts';
import { vmSpecSchema } from '../../src/api/schema/vm-spec.ts';
import { nodeId } from '../../src/core/model/ids.ts';
import { clusterOfVms, type ClusterOfVms } from './testing/cluster-of-vms.ts';

const wish = { stuck: 'leave', deadlineMs: null, force: false } as const;
const maintenance: MaintainNode = { want: 'maintenance', ...wish };

const bmcOf = (host: string, it: ClusterOfVms) => {
  const { user, password } = it.cluster.node('node-1').fencedBy;
  return {
    id: 'second',
    level: 2,
    driver: 'ipmi',
    settings: { host, user },
    secrets: { password },
    settleMs: 2000,
    budgetMs: null,
    delayMs: null,
  };
};

test('N16: a node whose memory fails, and which hardly gets on, is cordoned and drained live; nobody is fenced', async () => {
  const it = await clusterOfVms({ vms: { 'vm-1': {}, 'vm-2': {}, 'vm-3': {}, 'vm-4': {} } });
  const node = it.homeOf('vm-1');
  const boots = (vm: string): number =>
    it
      .homeOf(vm)
      .hypervisor.domains()
      .find(({ name }) => name === vm)?.boots ?? -1;
  const leaving = it.vms.filter((vm) => it.homeOf(vm) === node);
  // Corrected errors are worked off in bursts, in which nothing else of the node runs.
  const { time } = it.cluster.world;
  const storm = (): void => {
    node.process?.pause('starved');
    time.schedule(400, () => node.process?.resume('starved'));
    time.schedule(700, storm);
  };
  storm();
  await it.must((service, caller) =>
    service.maintenance.change(node.name, { want: 'drain', ...wish }, caller),
  );
  await it.until(() => node.runningVms().length === 0, 120_000);
  await it.until(() => it.everyVmRuns());
  await it.cluster.createVm('later', { nodes: [] });
  await it.until(() => it.cluster.whereIs('later').length === 1);
  expect(it.homeOf('later')).not.toBe(node);
  await it.runFor(30_000);
  for (const vm of leaving) expect(boots(vm)).toBe(0);
  expect(it.offs()).toEqual([0, 0, 0]);
  expect(it.overlaps()).toEqual([]);
});

test('O1: the preview of maintenance names a VM that cannot migrate; it is kept or shut down as chosen, and taken back', async () => {
  const it = await clusterOfVms({ vms: { 'vm-1': { onEvacuation: 'leave' }, 'vm-2': {} } });
  const node = it.homeOf('vm-1');
  const other = it.homeOf('vm-2');
  const change = (name: string, body: MaintainNode, dryRun = false) =>
    it.must((service, caller) => service.maintenance.change(name, body, { ...caller, dryRun }));
  const preview = await change(node.name, maintenance, true);
  expect(preview.steps).toMatchObject([{ name: 'vm-1', state: 'stays' }]);
  expect(preview.steps[0]?.because).toContain('left where it is');
  expect(it.stored(`node/${node.name}`)['evacuation']).toBeUndefined();

  await change(node.name, maintenance);
  await it.runFor(30_000);
  expect(it.homeOf('vm-1')).toBe(node);
  expect((await it.findings()).map(({ code }) => code)).toContain('NODE_NOT_EMPTY');
  await change(node.name, { want: 'exit' });
  await it.runFor(10_000);
  expect((await it.findings()).map(({ code }) => code)).not.toContain('NODE_NOT_EMPTY');

  // The other one could go live, and its guest does not let it.
  const id = other.hypervisor.domains().find(({ name }) => name === 'vm-2')?.vm;
  if (id === undefined) throw new Error('vm-2 is nowhere');
  other.hypervisor.setTemper(id, { starts: () => true, stops: true, migrates: () => false });
  await change(other.name, { ...maintenance, stuck: 'restart' });
  await it.until(() => other.runningVms().length === 0, 120_000);
  await it.until(() => it.everyVmRuns());
  expect(it.homeOf('vm-2')).not.toBe(other);
  expect(it.overlaps()).toEqual([]);
  expect(it.offs()).toEqual([0, 0, 0]);
});

describe('O2: maintenance of too many nodes', () => {
  test('is refused where the VMs of one would have no place, and goes through with an override and a reason', async () => {
    const big = { memoryMiB: 40 * 1024 };
    const it = await clusterOfVms({ nodes: 2, vms: { 'vm-1': big, 'vm-2': big } });
    const node = it.homeOf('vm-1');
    const enter = (force: boolean, reason: string | null) =>
      it.ask((service, caller) =>
        service.maintenance.change(node.name, { ...maintenance, force }, { ...caller, reason }),
      );
    expect(await enter(false, null)).toMatchObject({
      kind: 'problem',
      problem: { code: 'E_CAPACITY' },
    });
    expect(await enter(true, null)).toMatchObject({ kind: 'problem' });
    expect(it.stored(`node/${node.name}`)['evacuation']).toBeUndefined();
    expect(await enter(true, 'a fan is broken')).toMatchObject({ kind: 'ok' });
    expect(it.stored(`node/${node.name}`)['evacuation']).toMatchObject({
      reason: 'a fan is broken',
    });
  });
});

test('O4: a cluster that was left disarmed says so, and arms itself when the time is over', async () => {
  const it = await clusterOfVms();
  const node = it.homeOf('vm-1');
  await it.must((service, caller) => service.disarm({ mode: 'freeze', forMs: 600_000 }, caller));
  node.machine.panic();
  await it.runFor(590_000);
  expect(it.cluster.whereIs('vm-1')).toEqual([]);
  expect(node.bmc.received.off).toBe(0);
  const [finding] = (await it.findings()).filter(({ code }) => code === 'DISARMED');
  expect(finding).toMatchObject({ severity: 'warning', try: ['kennel arm'] });
  await it.until(() => it.everyVmRuns(), 60_000);
  expect(it.homeOf('vm-1')).not.toBe(node);
  expect((await it.findings()).map(({ code }) => code)).not.toContain('DISARMED');
});

test("O7: the address of another node's BMC is refused when the device is added, by its identity", async () => {
  const it = await clusterOfVms();
  const foreign = it.cluster.node('node-2').fencedBy.bmcHost;
  const before = it.stored('node/node-1')['fenceTopology'];
  const added = await it.ask((service, caller) =>
    service.addFenceDevice('node-1', bmcOf(foreign, it), caller),
  );
  expect(added).toMatchObject({ kind: 'problem' });
  expect(JSON.stringify(added)).toContain('node-2');
  expect(it.stored('node/node-1')['fenceTopology']).toEqual(before);
  expect(it.offs()).toEqual([0, 0, 0]);
});

test('O11: a VM whose owner is unknown is started by no command, only by an attestation against the fence id, which is kept', async () => {
  const it = await clusterOfVms();
  const node = it.homeOf('vm-1');
  const target = it.cluster.nodes.find((one) => one !== node)?.name ?? '';
  node.bmc.mode = { kind: 'dead' };
  it.cluster.world.network.isolate(node.name);
  await it.until(() => it.fencePhase() === 'intent');
  const limits = { bandwidthMiBs: null, autoConverge: false, deadlineMs: 60_000 };
  await it.ask((service, caller) => service.startVm('vm-1', caller));
  await it.ask((service, caller) =>
    service.moveVm('vm-1', { to: target, way: 'cold', limits }, caller),
  );
  await it.ask((service, caller) =>
    service.vmVerbs.act('vm-1', { verb: 'restart', request: 'r-1', force: true }, caller),
  );
  await it.runFor(120_000);
  expect(it.cluster.whereIs('vm-1')).toEqual([node.name]);
  expect((await it.explain('vm-1')).try.join()).toContain('kennel node confirm-off');

  const confirm = (fence: string) =>
    it.ask((service, caller) =>
      service.confirmOff(node.name, { fence, reason: 'I pulled the plug' }, caller),
    );
  expect(await confirm('F-99')).toMatchObject({
    kind: 'problem',
    problem: { code: 'E_ATTEST_REFUSED' },
  });
  expect(it.cluster.whereIs('vm-1')).toEqual([node.name]);
  node.machine.powerOff();
  expect(await confirm('F-1')).toMatchObject({ kind: 'ok' });
  await it.until(() => it.everyVmRuns());
  expect(it.stored('fence/F-1')['proof']).toMatchObject({
    kind: 'attested',
    reason: 'I pulled the plug',
  });
  expect(JSON.stringify(it.stored('fence/F-1')['proof'])).toContain('test');
  expect(it.overlaps()).toEqual([]);
});

test('O11: a VM whose owner is unknown is not forgotten and made anew elsewhere either', async () => {
  const it = await clusterOfVms();
  const node = it.homeOf('vm-1');
  const view = await it.vm('vm-1');
  node.bmc.mode = { kind: 'dead' };
  it.cluster.world.network.isolate(node.name);
  await it.until(() => it.fencePhase() === 'intent');
  const forgotten = await it.ask((service, caller) => service.forgetVm('vm-1', caller));
  const made = await it.ask((service, caller) =>
    service.createVm(
      { id: view.id, spec: vmSpecSchema.parse(view.spec), desired: 'running', node: null },
      caller,
    ),
  );
  await it.runFor(60_000);
  expect([forgotten.kind, made.kind]).toEqual(['problem', 'problem']);
  expect(it.cluster.whereIs('vm-1')).toEqual([node.name]);
  expect(it.overlaps()).toEqual([]);
});

test('V15: a second run of a VM, started by hand on another node, is a critical alarm and over within 5 s', async () => {
  const it = await clusterOfVms();
  const [vm, home] = ['vm-1', it.homeOf('vm-1')] as const;
  const other = it.cluster.nodes.find((one) => one !== home);
  const id = home.hypervisor.domains().find(({ name }) => name === vm)?.vm;
  if (other === undefined || id === undefined) throw new Error('nowhere to start it');
  await it.runFor(5000);
  const boot = home.machine.bootId;
  other.hypervisor.startByHand(id, vm);
  const codes = async (): Promise<readonly unknown[]> =>
    (await it.findings()).filter(({ code }) => code === 'VM_STRAY');
  let found: readonly unknown[] = [];
  for (let passed = 0; passed < 5000 && found.length === 0; passed += 100) {
    await it.runFor(100);
    found = await codes();
  }
  expect(found).toMatchObject([{ severity: 'critical', subject: vm }]);
  await it.until(() => !it.cluster.whereIs(vm).includes(other.name), 5000);
  await it.runFor(30_000);
  expect(it.homeOf(vm)).toBe(home);
  expect(home.machine.bootId).toBe(boot);
  expect(await codes()).toEqual([]);
  expect(it.offs()).toEqual([0, 0, 0]);
  expect(it.stored(`node/${nodeId(other.name)}`)['phase']).toBe('online');
});
