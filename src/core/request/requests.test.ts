import { beforeEach, describe, expect, it } from 'vitest';
import { openDraft, type Draft } from '../decide/draft.ts';
import { nodeId, token, vmId, type VmId } from '../model/ids.ts';
import { noTries, type VmDesired } from '../model/vm.ts';
import type { Outcome } from '../problem.ts';
import { specOf, TestWorld } from '../testing/world.ts';
import { addFenceDevice } from './fence-device.ts';
import { confirmOff, enrolNode, fenceNode, removeNode } from './node.ts';
import { adoptVm, createVm, deleteVm, forgetVm, setDesired } from './vm.ts';

const nbd = { kind: 'nbd', host: 's', port: 1, export: 'a' } as const;
const disk = { source: nbd, format: 'raw', bus: 'virtio', readOnly: false } as const;
const nic = (mac: string) =>
  ({ mac, attach: { kind: 'bridge', bridge: 'br0' }, model: 'virtio' }) as const;

describe('requests', () => {
  let world: TestWorld;
  const n1 = nodeId('n1');

  beforeEach(() => {
    world = new TestWorld();
    for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
  });

  /** Runs a request as the leader does and commits what it changed. */
  function ask<T>(request: (draft: Draft) => Outcome<T>): string {
    const draft = openDraft(world, world.observe());
    const outcome = request(draft);
    if (outcome.kind === 'problem') return outcome.problem.code;
    world.commit(draft.finish({ commands: [], fences: [] }));
    return 'ok';
  }

  const create = (id: string, spec = specOf(id)): string =>
    ask((draft) => createVm(draft, { id: vmId(id), spec, desired: 'running', home: null }));

  const desire = (id: VmId, desired: VmDesired, how = { force: false }): string =>
    ask((draft) => setDesired(draft, world.vm(id), desired, how));

  it('V16: two VMs with one UUID, name, MAC or disk are refused when written', () => {
    expect(
      create('a', specOf('a', { disks: [disk], interfaces: [nic('52:54:00:00:00:01')] })),
    ).toBe('ok');
    expect(create('a', specOf('b'))).toBe('E_UUID_TAKEN');
    expect(create('b', specOf('a'))).toBe('E_NAME_TAKEN');
    expect(create('b', specOf('b', { disks: [disk] }))).toBe('E_DISK_TAKEN');
    expect(create('b', specOf('b', { interfaces: [nic('52:54:00:00:00:01')] }))).toBe(
      'E_MAC_TAKEN',
    );
    expect(create('b', specOf('b', { disks: [disk, disk] }))).toBe('E_DISK_TAKEN');
    expect(world.vms.size).toBe(1);
  });

  it('a disk that both only read may be shared', () => {
    const image = { ...disk, readOnly: true };
    expect(create('a', specOf('a', { disks: [image] }))).toBe('ok');
    expect(create('b', specOf('b', { disks: [image] }))).toBe('ok');
  });

  it('a VM with a disk of one node is refused for failover, and says why', () => {
    const local = { ...disk, source: { kind: 'local', path: '/x' } as const };
    expect(create('a', specOf('a', { disks: [local] }))).toBe('E_DISK_LOCAL');
  });

  it('stop takes effect on a VM that runs, and a forced stop overtakes a graceful one', () => {
    const db = world.addRunningVm('db', 'n1');
    desire(db, 'stopped');
    expect(world.vm(db)).toMatchObject({ phase: 'stopping', operation: { force: false } });
    desire(db, 'stopped', { force: true });
    expect(world.vm(db)).toMatchObject({ phase: 'stopping', operation: { force: true } });
  });

  it('start wakes a failed VM and forgets its failures', () => {
    const tries = { failures: 6, here: 0, nodes: [n1, nodeId('n2'), nodeId('n3')] };
    const db = world.addVm('db', { phase: 'failed', tries, reason: 'x' });
    desire(db, 'running');
    expect(world.vm(db)).toMatchObject({ phase: 'stopped', tries: noTries, reason: null });
  });

  it('a deleted VM is forgotten only after its owner released it', () => {
    const db = world.addRunningVm('db', 'n1');
    ask((draft) => deleteVm(draft, world.vm(db)));
    world.settle();
    expect(world.vms.has(db)).toBe(true);
    const { operation } = world.vm(db);
    if (operation === null) throw new Error('no operation');
    world.outcome(operation.id, { kind: 'done' });
    world.settle();
    expect(world.vms.has(db)).toBe(false);
  });

  it('disable switches a VM off like stop', () => {
    const db = world.addRunningVm('db', 'n1');
    desire(db, 'disabled');
    expect(world.vm(db)).toMatchObject({ desired: 'disabled', phase: 'stopping' });
  });

  it('ignore takes every command back and leaves the owner what it owns', () => {
    const db = world.addRunningVm('db', 'n1');
    desire(db, 'stopped');
    desire(db, 'ignored');
    expect(world.vm(db)).toMatchObject({
      desired: 'ignored',
      phase: 'running',
      operation: null,
      permit: { node: 'n1', token: 1 },
    });
  });

  it('a VM with a disk of one node stays ignored', () => {
    const local = { ...disk, source: { kind: 'local', path: '/x' } as const };
    const db = world.addVm('db', { desired: 'ignored', spec: specOf('db', { disks: [local] }) });
    expect(desire(db, 'running')).toBe('E_DISK_LOCAL');
    expect(world.vm(db).desired).toBe('ignored');
  });

  it('what is ignored is not stopped, so it is forgotten and not deleted', () => {
    const db = world.addRunningVm('db', 'n1', { desired: 'ignored', lastToken: token(4) });
    expect(ask((draft) => deleteVm(draft, world.vm(db)))).toBe('E_CONFLICT');
    expect(ask((draft) => forgetVm(draft, world.vm(db)))).toBe('ok');
    expect(world.vms.has(db)).toBe(false);
    expect(world.counters.token).toBe(4);
  });

  it('a forgotten VM that is created or adopted again is taken over with a newer token', () => {
    const db = world.addRunningVm('db', 'n1', { lastToken: token(4) });
    ask((draft) => forgetVm(draft, world.vm(db)));
    const input = { id: db, spec: specOf('db'), node: n1, carried: token(1) };
    const again = { ...input, desired: 'running', home: null } as const;
    expect(ask((draft) => createVm(draft, again))).toBe('ok');
    expect(world.vm(db)).toMatchObject({ adopting: true, permit: null });
    ask((draft) => forgetVm(draft, world.vm(db)));
    expect(ask((draft) => adoptVm(draft, input))).toBe('ok');
    expect(world.vm(db)).toMatchObject({
      phase: 'running',
      permit: { node: 'n1', token: 5 },
      operation: { kind: 'permit', previousToken: 1 },
    });
  });

  it('a VM is not created for a node that is not there', () => {
    const input = { id: vmId('a'), spec: specOf('a'), desired: 'running' } as const;
    expect(ask((draft) => createVm(draft, { ...input, home: nodeId('n9') }))).toBe('E_NOT_FOUND');
  });

  const enrolment = { address: 'a', certificateFingerprint: 'g' };

  it('N22: another machine cannot take the name of a node', () => {
    const other = { id: n1, machineId: 'other', ...enrolment };
    expect(ask((draft) => enrolNode(draft, other))).toBe('E_MACHINE_MISMATCH');
  });

  it('N23: a cloned machine id is refused', () => {
    const clone = { id: nodeId('n9'), machineId: 'machine-n1', ...enrolment };
    expect(ask((draft) => enrolNode(draft, clone))).toBe('E_MACHINE_MISMATCH');
  });

  it('the same machine may join again and keeps its place', () => {
    const again = { id: n1, machineId: 'machine-n1', ...enrolment };
    expect(ask((draft) => enrolNode(draft, again))).toBe('ok');
    expect(world.node(n1)).toMatchObject({ phase: 'online', certificateFingerprint: 'g' });
  });

  it('O6: a node that holds permits is not removed', () => {
    world.addRunningVm('db', 'n1');
    expect(ask((draft) => removeNode(draft, world.node(n1)))).toBe('E_NODE_HAS_VMS');
    expect(ask((draft) => removeNode(draft, world.node(nodeId('n2'))))).toBe('ok');
  });

  it('O7: the BMC of another node is refused', () => {
    const device = {
      id: 'n2/bmc',
      driver: 'ipmi',
      settings: {},
      identity: 'guid-n1',
      settleMs: 1,
      outlet: 'test n2',
    };
    const add = (draft: Draft) =>
      addFenceDevice(draft, world.node(nodeId('n2')), {
        level: 1,
        device,
        budgetMs: null,
        delayMs: null,
      });
    expect(ask(add)).toBe('E_FENCE_IDENTITY');
  });

  const attest = { fence: null, actor: 'ann', reason: 'saw it' };
  const confirm = (change: Partial<typeof attest> | { fence: string } = {}): string =>
    ask((draft) => confirmOff(draft, world.node(n1), { ...attest, ...change }));

  it('O5: a false attestation is refused while the node is heard', () => {
    world.addRunningVm('db', 'n1');
    expect(confirm()).toBe('E_ATTEST_REFUSED');
    ask((draft) =>
      fenceNode(draft, world.node(n1), { actor: 'ann', reason: 'x', override: false }),
    );
    expect(confirm()).toBe('E_ATTEST_REFUSED');
  });

  it('O5: an attestation is refused while a device reads On, and taken when none contradicts', () => {
    const db = world.addRunningVm('db', 'n1');
    world.nowMs += 4000;
    world.beat('n2', 'n3');
    world.settle();
    world.read(world.onlyFence().id, 'n1/bmc', 'on');
    expect(confirm()).toBe('E_ATTEST_REFUSED');
    expect(confirm({ fence: 'F-99' })).toBe('E_ATTEST_REFUSED');
    world.nowMs += 31_000;
    world.beat('n2', 'n3');
    expect(confirm()).toBe('ok');
    expect(world.onlyFence().proof).toMatchObject({ kind: 'attested', actor: 'ann' });
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'recovering', permit: { token: 2 } });
  });

  it('a person may fence a node that is heard; it is not cancelled by its heartbeats', () => {
    world.addRunningVm('db', 'n1');
    ask((draft) =>
      fenceNode(draft, world.node(n1), { actor: 'ann', reason: 'x', override: false }),
    );
    world.settle();
    world.nowMs += 500;
    world.beat('n1', 'n2', 'n3');
    world.execution(world.onlyFence().id, { wantsToAct: true });
    world.settle();
    expect(world.onlyFence()).toMatchObject({ phase: 'acting', requestedBy: { actor: 'ann' } });
  });

  it('an override lifts the storm guard of the open operation', () => {
    for (const name of ['n1', 'n2']) world.addRunningVm(`vm-${name}`, name);
    world.nowMs += 4000;
    world.beat('n3');
    world.settle();
    const fence = [...world.fences.values()].find((one) => one.node === n1);
    if (fence === undefined) throw new Error('no fence');
    world.execution(fence.id, { wantsToAct: true });
    world.settle();
    expect(world.fences.get(fence.id)?.phase).toBe('intent');
    ask((draft) => fenceNode(draft, world.node(n1), { actor: 'ann', reason: 'x', override: true }));
    world.settle();
    expect(world.fences.get(fence.id)?.phase).toBe('acting');
  });
});
