import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { problem } from '../core/problem.ts';
import { failovers, hypervisors, virtualMachines as vms } from './crd/kinds.ts';
import { objectPath } from './kube/resource.ts';
import { machine, OperatorWorld } from './testing/operator-world.ts';
import { vmNameOf } from './vm/vm-name.ts';
import type { FakeAgent } from '../manager/testing/fake-agent.ts';

let it = new OperatorWorld();
let agents: FakeAgent[] = [];
beforeEach(async () => {
  it = new OperatorWorld();
  await it.start();
  agents = [await it.world.agent({ node: 'node-1' }), await it.world.agent({ node: 'node-2' })];
  await it.until(() => it.world.node('node-2').phase === 'online');
});
afterEach(() => it.stop());

const runs = (name: string): boolean => it.status(name)['phase'] === 'Running';
const ownerOf = (name: string): FakeAgent => {
  const owner = it.status(name)['hypervisor'];
  const found = agents.find((agent) => agent.node === owner);
  if (found === undefined) throw new Error(`${name} runs nowhere`);
  return found;
};

describe('an object that is applied', () => {
  test('becomes a VM that runs in one place, under the uid of the object', async () => {
    await it.apply('db', machine());
    await it.until(() => runs('db'));
    const vm = it.world.vm(vmNameOf('shop', 'db'));
    expect(vm.id).toBe(it.object('db')?.metadata.uid);
    expect(agents.filter((agent) => agent.domains?.has(vm.id)).length).toBe(1);
    expect(it.status('db')).toMatchObject({ uuid: vm.id, observedGeneration: 1, token: 1 });
    expect(it.condition('db', 'Ready')).toBe('True AsDesired');
    expect(it.condition('db', 'Synced')).toBe('True Accepted');
    expect(it.condition('db', 'Protected')).toBe('True FencePathReady');
  });

  test('is held by a finalizer before anything is made', async () => {
    it.bend = (_, call) =>
      call === 'createVm'
        ? problem({ code: 'E_UNAVAILABLE', what: 'x', because: 'y', so: 'z', try: [] })
        : null;
    await it.apply('db', machine());
    await it.until(() => it.condition('db', 'Synced') !== 'absent');
    expect(it.object('db')?.metadata.finalizers).toEqual(['kennel.dev/domain']);
  });

  test('is made once, although the answer was lost', async () => {
    let lost = 0;
    it.bend = (_, call) => {
      if (call !== 'createVm' || lost > 0) return null;
      lost += 1;
      return problem({ code: 'E_AMBIGUOUS', what: 'x', because: 'y', so: 'z', try: [] });
    };
    await it.apply('db', machine());
    await it.until(() => runs('db'));
    expect([lost, it.world.vms().length]).toEqual([1, 1]);
    expect(it.condition('db', 'Synced')).toBe('True Accepted');
  });

  test('that Kennel refuses says why, and is made when that is over', async () => {
    await it.apply('a', machine());
    await it.until(() => runs('a'));
    await it.apply('b', machine());
    await it.until(() => it.condition('b', 'Synced') === 'False DiskTaken');
    expect(it.world.vms().length).toBe(1);
    await it.remove('a');
    await it.until(() => runs('b'), 60_000);
  });

  test('that a server without CEL let through is refused by the same rules', async () => {
    await it.apply('db', machine({ disks: [{ source: {}, format: 'Raw', bus: 'Virtio' }] }));
    await it.until(() => it.condition('db', 'Synced') === 'False InvalidSpec');
    const message = it.status('db').conditions?.find((one) => one.type === 'Synced')?.message;
    expect(message).toBe('disks.0.source: exactly one of nbd, rbd, iscsi, sharedFile, local');
    expect(it.world.vms()).toEqual([]);
  });

  test('has a VM of its own, whatever another namespace calls its own', async () => {
    const disk = (path: string) => ({
      disks: [{ source: { sharedFile: { path } }, format: 'Raw', bus: 'Virtio' }],
    });
    await it.apply('b-c', machine(disk('/1')), 'a');
    await it.apply('c', machine(disk('/2')), 'a-b');
    await it.until(() => it.world.vms().length === 2);
    expect(new Set(it.world.vms().map((vm) => vm.spec.name)).size).toBe(2);
  });
});

describe('a change of an object', () => {
  beforeEach(async () => {
    await it.apply('db', machine());
    await it.until(() => runs('db'));
  });

  test('of what is desired is carried out', async () => {
    await it.apply('db', machine({ desired: 'Stopped' }));
    await it.until(() => it.status('db')['phase'] === 'Stopped');
    expect(it.condition('db', 'Ready')).toBe('True AsDesired');
    expect(it.status('db')['observedGeneration']).toBe(2);
    await it.apply('db', machine({ desired: 'Running' }));
    await it.until(() => runs('db'));
    expect(it.status('db')['token']).toBe(2);
  });

  test('of what the domain is made from waits for a restart, and says so', async () => {
    const name = vmNameOf('shop', 'db');
    await it.apply('db', machine({ memory: '2Gi', priority: 'High' }));
    await it.until(() => it.condition('db', 'RestartRequired') === 'True EditWaits');
    const said = it.status('db').conditions?.find(({ type }) => type === 'RestartRequired');
    expect(said?.message).toMatch(/^memoryMiB as/);
    expect(it.condition('db', 'Synced')).toBe('True Accepted');
    expect(it.world.vm(name)).toMatchObject({
      spec: { memoryMiB: 1024, priority: 'high' },
      staged: { memoryMiB: 2048 },
    });
    await it.apply('db', machine({ memory: '2Gi', priority: 'High', desired: 'Stopped' }));
    await it.until(() => it.status('db')['phase'] === 'Stopped');
    await it.apply('db', machine({ memory: '2Gi', priority: 'High' }));
    await it.until(() => runs('db'));
    expect(it.world.vm(name)).toMatchObject({ spec: { memoryMiB: 2048 }, staged: null });
    expect(it.condition('db', 'RestartRequired')).toBe('False NothingWaits');
  });

  test('that Kennel refuses says so and leaves the VM alone', async () => {
    await it.apply('web', machine({ disks: [] }));
    await it.until(() => runs('web'));
    await it.apply('web', machine());
    await it.until(() => it.condition('web', 'Synced') === 'False DiskTaken');
    expect(it.world.vm(vmNameOf('shop', 'web')).spec.disks).toEqual([]);
    expect(runs('web')).toBe(true);
  });

  test('takes nothing back that people set and objects have no word for', async () => {
    const { seat } = it;
    if (seat === null) throw new Error('no manager');
    const name = vmNameOf('shop', 'db');
    const { spec } = it.world.vm(name);
    const edit = (change: object): Promise<unknown> =>
      it.world.ask(seat, (service) =>
        service.vmVerbs.edit(
          name,
          { spec: { ...spec, ...change } as never, before: null },
          { identity: seatIdentity, dryRun: false, reason: null },
        ),
      );
    await edit({ separateFrom: ['web'] });
    await it.apply('db', machine({ priority: 'Low' }));
    await it.until(() => it.world.vm(name).spec.priority === 'low');
    expect(it.world.vm(name).spec.separateFrom).toEqual(['web']);
    await edit({ separateFrom: ['web'], priority: 'high' });
    await it.until(() => it.condition('db', 'Synced') === 'False ChangedElsewhere');
    await it.world.run(30_000);
    expect(it.world.vm(name).spec.priority).toBe('high');
  });

  test('decides over a command; a command is not fought in between', async () => {
    const { seat } = it;
    if (seat === null) throw new Error('no manager');
    const name = vmNameOf('shop', 'db');
    await it.world.ask(seat, (service) =>
      service.stopVm(
        name,
        { force: false, reason: null },
        { identity: seatIdentity, dryRun: false, reason: null },
      ),
    );
    await it.until(() => it.condition('db', 'Synced') === 'False ChangedElsewhere');
    await it.world.run(30_000);
    expect(it.world.vm(name).desired).toBe('stopped');
    await it.apply('db', machine({ desired: 'Disabled' }));
    await it.until(() => it.world.vm(name).desired === 'disabled');
    await it.until(() => it.condition('db', 'Synced') === 'True Accepted');
  });
});

const seatIdentity = {
  clusterId: '11111111-1111-4111-8111-111111111111',
  role: 'admin',
  name: 'alice',
  fingerprint: 'print-alice',
} as const;

describe('an object that is deleted', () => {
  test('stays until the agent confirmed that its domain is gone', async () => {
    await it.apply('db', machine());
    await it.until(() => runs('db'));
    const owner = ownerOf('db');
    owner.obedient = false;
    await it.remove('db');
    await it.until(() => owner.commands.some((command) => command.kind === 'release'));
    await it.world.run(20_000);
    expect(it.object('db')?.metadata.finalizers).toEqual(['kennel.dev/domain']);
    expect(it.condition('db', 'Synced')).toBe('True Deleting');
    const release = owner.commands.findLast((command) => command.kind === 'release');
    owner.domains?.clear();
    owner.answer(release?.operation ?? '', { kind: 'done' });
    owner.sayReport();
    await it.until(() => it.object('db') === undefined, 60_000);
    expect(it.world.vms()).toEqual([]);
  });

  test('takes nothing with it when the object is only missing', async () => {
    await it.apply('db', machine());
    await it.until(() => runs('db'));
    // As after a restore of an older store of Kubernetes.
    it.stop();
    const object = it.object('db');
    await it.kube.call({
      method: 'PUT',
      path: objectPath(vms, { namespace: 'shop', name: 'db' }),
      body: { ...object, metadata: { ...object?.metadata, finalizers: [] } },
    });
    await it.remove('db');
    it.run();
    await it.world.run(30_000);
    expect(it.object('db')).toBe(undefined);
    expect(it.world.vm(vmNameOf('shop', 'db')).phase).toBe('running');
    // Written anew it finds its VM, which runs on.
    const before = it.world.vm(vmNameOf('shop', 'db'));
    await it.apply('db', machine());
    await it.until(() => runs('db'));
    expect(it.world.vm(vmNameOf('shop', 'db')).permit).toEqual(before.permit);
    expect(it.status('db')['uuid']).toBe(before.id);
  });
});

describe('what it rests on', () => {
  test('in a steady state nothing is written', async () => {
    await it.apply('db', machine());
    await it.until(() => runs('db'));
    await it.world.run(5000);
    const before = it.kube.writes.length;
    await it.world.run(15 * 60_000);
    expect(it.kube.writes.length).toBe(before);
  });

  test('a failover goes on without the API server, and is shown when it is back', async () => {
    await it.apply('db', machine());
    await it.until(() => runs('db'));
    const lost = ownerOf('db');
    it.kube.isDown = true;
    it.kube.endWatches({ kind: 'failed', failure: { kind: 'transport', message: 'reset' } });
    lost.process.kill('powerLoss');
    const device = it.world.fencing.devices.find(({ id }) => id === `${lost.node}/bmc`);
    if (device === undefined) throw new Error('no device');
    device.power = 'off';
    const name = vmNameOf('shop', 'db');
    await it.until(() => {
      const { phase, permit } = it.world.vm(name);
      return phase === 'running' && permit?.node !== lost.node;
    }, 60_000);
    expect(it.status('db')['hypervisor']).toBe(lost.node);
    it.kube.isDown = false;
    await it.until(() => it.status('db')['hypervisor'] !== lost.node, 60_000);
    expect(it.status('db')['token']).toBe(2);
    await it.until(() => {
      const shown = it.kube.at(objectPath(failovers, { name: 'fo-1' }));
      return (shown?.status as { phase?: string } | undefined)?.phase === 'Completed';
    }, 60_000);
    expect(it.kube.at(objectPath(failovers, { name: 'fo-1' }))).toMatchObject({
      spec: { hypervisor: lost.node },
      status: { proof: 'PowerOff', vmsTotal: 1, vmsRecovered: 1 },
    });
    const hypervisor = () => it.find(hypervisors, { name: lost.node })?.status;
    await it.until(() => (hypervisor() as { phase?: string }).phase === 'Fenced');
  });

  test('a VM whose node is not proven off says what it waits for', async () => {
    await it.apply('db', machine());
    await it.until(() => runs('db'));
    const lost = ownerOf('db');
    const device = it.world.fencing.devices.find(({ id }) => id === `${lost.node}/bmc`);
    if (device === undefined) throw new Error('no device');
    device.failure = () => 'UNREACHABLE';
    lost.process.kill('powerLoss');
    await it.until(() => it.condition('db', 'AwaitingProof') === 'True ProofMissing', 60_000);
    expect(it.status('db')['phase']).toBe('WaitingProof');
    expect(it.condition('db', 'Ready')).toBe('False WaitingForProof');
    expect(it.status('db')['hypervisor']).toBe(lost.node);
  });

  test('an operator that ends at any moment leaves what the next one brings to the same end', async () => {
    for (let round = 0; round < 20; round += 1) {
      const name = `vm-${round % 5}`;
      const disks = [
        { source: { sharedFile: { path: `/${name}` } }, format: 'Raw', bus: 'Virtio' },
      ];
      if (round % 4 === 3) await it.remove(name);
      else
        await it.apply(name, machine({ disks, desired: round % 2 === 0 ? 'Running' : 'Stopped' }));
      await it.world.run(37 * (round + 1));
      it.run();
    }
    await it.world.run(60_000);
    for (const object of ['vm-0', 'vm-1', 'vm-2', 'vm-3', 'vm-4']) {
      const wanted = it.object(object);
      const vm = it.world.vms().find((one) => one.spec.name === vmNameOf('shop', object));
      const desired = (wanted?.spec as { desired?: string } | undefined)?.desired?.toLowerCase();
      expect([object, vm?.desired]).toEqual([object, desired]);
      const isReady = it.condition(object, 'Ready') === 'True AsDesired';
      expect([object, isReady]).toEqual([object, wanted !== undefined]);
    }
  });
});
