import { beforeEach, describe, expect, it } from 'vitest';
import { incarnationOf, specOf, TestWorld } from '../testing/world.ts';
import { openDraft, type Draft } from '../decide/draft.ts';
import { plainHardware } from '../model/hardware.ts';
import { nodeId, operationId, type VmId } from '../model/ids.ts';
import { defaultMigrationLimits } from '../model/move.ts';
import type { SnapshotWish } from '../model/vm-snapshot.ts';
import type { VmDisk, VmSpec } from '../model/vm.ts';
import type { Outcome } from '../problem.ts';
import { actOnVm, restartVm } from './act.ts';
import { editVm } from './edit.ts';
import { moveVm } from './move.ts';
import { snapshotVm } from './snapshot.ts';
import { setDesired } from './vm.ts';

const qcow2: VmDisk = {
  source: { kind: 'sharedFile', path: '/srv/vms/db.qcow2' },
  format: 'qcow2',
  bus: 'virtio',
  readOnly: false,
};
let world: TestWorld;
let db: VmId;

beforeEach(() => {
  world = new TestWorld();
  for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
  db = world.addRunningVm('db', 'n1', { spec: specOf('db', { disks: [qcow2] }) });
  world.settle();
});

function ask(change: (draft: Draft) => Outcome<unknown>): string {
  const draft = openDraft(world, world.observe());
  const outcome = change(draft);
  if (outcome.kind === 'problem') return outcome.problem.because;
  world.commit(draft.finish({ commands: [], fences: [] }));
  return 'ok';
}

const call = (wish: SnapshotWish, request: string, snapshot = 's-1'): string =>
  ask((draft) =>
    snapshotVm(draft, world.vm(db), { wish, snapshot, note: null, request, by: 'ann' }),
  );

function answer(
  request: string,
  outcome: Parameters<TestWorld['outcome']>[1] = { kind: 'done' },
): void {
  world.outcome(operationId(`act/${db}/${request}`), outcome);
  world.settle();
}

/** A snapshot that is there. */
function make(snapshot = 's-1'): void {
  expect(call('create', `make-${snapshot}`, snapshot)).toBe('ok');
  world.settle();
  answer(`make-${snapshot}`);
}

const sent = (): readonly unknown[] =>
  world.settle().flatMap((plan) => plan.commands.map(({ command }) => command));

const states = (): readonly string[] =>
  (world.vm(db).snapshots ?? []).map(({ name, state }) => `${name} ${state}`);

function pass(ms: number, ...heard: readonly string[]): void {
  for (let passed = 0; passed < ms; passed += 1000) {
    world.nowMs += 1000;
    world.beat(...heard);
    world.settle();
  }
}

/** The node is lost and proven dead. */
function loseN1(): void {
  pass(4000, 'n2', 'n3');
  for (let reading = 0; reading < 4; reading += 1) {
    pass(1000, 'n2', 'n3');
    world.read(world.onlyFence().id, 'n1/bmc', 'off');
    world.settle();
  }
}

describe('a snapshot', () => {
  it('is asked of the owner under its permit, with the VM locked until the answer', () => {
    expect(call('create', 'r-1')).toBe('ok');
    expect(sent()).toMatchObject([
      { kind: 'act', verb: 'snapshot', snapshot: 's-1', permit: { node: 'n1', token: 1 } },
    ]);
    expect(world.vm(db).lock).toMatchObject({ kind: 'snapshot', by: 'ann', node: 'n1' });
    expect(states()).toEqual(['s-1 making']);
    answer('r-1');
    expect(world.vm(db)).toMatchObject({ lock: null, action: null });
    expect(world.vm(db).acted).toMatchObject([{ verb: 'snapshot', snapshot: 's-1' }]);
    expect(states()).toEqual(['s-1 ready']);
    expect(world.events).toContain('VM_SNAPSHOT_MADE');
  });

  it('is made once by a request that is made twice', () => {
    call('create', 'r-1');
    expect(call('create', 'r-1')).toBe('ok');
    sent();
    answer('r-1');
    expect(call('create', 'r-1')).toBe('ok');
    expect(sent()).toEqual([]);
    expect(call('create', 'r-1', 's-2')).toContain('request r-1 was to snapshot it');
    expect(call('create', 'r-2')).toContain('has a snapshot s-1 already (ready');
  });

  it('that failed is not there, and one that nobody knows of can be deleted', () => {
    call('create', 'r-1');
    sent();
    answer('r-1', { kind: 'failed', code: 'libvirtOperationFailed', detail: 'no room' });
    expect(world.vm(db)).toMatchObject({ lock: null, snapshots: [] });
    call('create', 'r-2');
    sent();
    answer('r-2', { kind: 'ambiguous', detail: 'no answer' });
    expect(states()).toEqual(['s-1 unsure']);
    expect(call('delete', 'r-3')).toBe('ok');
    expect(states()).toEqual(['s-1 deleting']);
    sent();
    answer('r-3');
    expect(states()).toEqual([]);
    expect(call('delete', 'r-4')).toContain('it has no snapshot s-1');
    expect(call('revert', 'r-5')).toContain('it has no snapshot s-1');
  });

  it('keeps moves, restarts and other calls away while it is made, and no stop', () => {
    call('create', 'r-1');
    const act = ask((draft) =>
      actOnVm(draft, world.vm(db), { verb: 'reset', request: 'r-2', by: 'bob' }),
    );
    expect(act).toContain('snapshot, asked by ann, is not answered yet');
    const wish = { to: null, way: 'live', limits: defaultMigrationLimits } as const;
    expect(ask((draft) => moveVm(draft, world.vm(db), wish))).toContain('locked (snapshot)');
    pass(10_000, 'n1', 'n2', 'n3');
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { node: 'n1', token: 1 } });
    const again = { request: 'r-3', by: 'bob', force: true };
    expect(ask((draft) => restartVm(draft, world.vm(db), again))).toContain('not answered yet');
    expect(ask((draft) => setDesired(draft, world.vm(db), 'stopped', { force: true }))).toBe('ok');
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'stopping', lock: null, action: null });
    expect(states()).toEqual(['s-1 unsure']);
  });

  it('N9: ends with its lock when the agent starts anew before it answers', () => {
    call('create', 'r-1');
    sent();
    world.connect('n1', incarnationOf('n1', 1, 2), [world.domain(db)]);
    world.settle();
    expect(world.vm(db)).toMatchObject({ lock: null, action: null });
    expect(states()).toEqual(['s-1 unsure']);
  });

  it('a failover takes precedence: the VM runs elsewhere, unlocked, and keeps its snapshots', () => {
    make();
    call('revert', 'r-1');
    sent();
    loseN1();
    expect(world.vm(db).permit?.node).not.toBe('n1');
    expect(world.vm(db)).toMatchObject({ lock: null, action: null });
    expect(world.vm(db).acted?.at(-1)).toMatchObject({ verb: 'revert', outcome: 'unknown' });
    expect(states()).toEqual(['s-1 ready']);
  });

  it('is gone back to while its process ends and another begins, which is no crash', () => {
    make();
    expect(call('revert', 'r-1')).toBe('ok');
    expect(world.vm(db).lock).toMatchObject({ kind: 'rollback' });
    expect(sent()).toMatchObject([{ verb: 'revert', snapshot: 's-1', permit: { token: 1 } }]);
    const off = { active: false, state: 'shutOff', reason: 'fromSnapshot' } as const;
    world.report('n1', [world.domain(db, off)]);
    expect(sent()).toEqual([]);
    pass(3000, 'n1', 'n2', 'n3');
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { token: 1 } });
    world.report('n1', [world.domain(db)]);
    answer('r-1');
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { token: 1 }, lock: null });
    expect(world.events).toContain('VM_REVERTED');
    expect(world.events).not.toContain('VM_ENDED');
  });

  it('a revert that leaves the VM off is followed by a start on the same node', () => {
    make();
    call('revert', 'r-1');
    sent();
    world.report('n1', [world.domain(db, { active: false, state: 'shutOff', reason: 'failed' })]);
    answer('r-1', { kind: 'failed', code: 'libvirtOperationFailed', detail: 'not that machine' });
    expect(world.events).toContain('VM_ENDED');
    expect(world.vm(db)).toMatchObject({
      phase: 'starting',
      permit: { node: 'n1', token: 2 },
      lock: null,
    });
  });

  it('is refused on disks that hold none, and on a machine that is not all in it', () => {
    const refusalOf = (change: Partial<VmSpec>): string => {
      const vm = { ...world.vm(db), spec: specOf('db', { disks: [qcow2], ...change }) };
      const wish = { wish: 'create', snapshot: 's-1', note: null, request: 'r', by: 'a' } as const;
      return ask((draft) => snapshotVm(draft, vm, wish));
    };
    const raw: VmDisk = { ...qcow2, format: 'raw' };
    const block: VmDisk = { ...qcow2, source: { kind: 'local', path: '/dev/vg/db' } };
    const nbd: VmDisk = {
      ...qcow2,
      source: { kind: 'nbd', host: 'store', port: 10809, export: 'db' },
    };
    expect(refusalOf({ disks: [qcow2, raw] })).toContain('/srv/vms/db.qcow2 (raw)');
    expect(refusalOf({ disks: [block] })).toContain('/dev/vg/db');
    expect(refusalOf({ disks: [nbd] })).toContain('a disk on the network (nbd, qcow2)');
    expect(refusalOf({ disks: [{ ...qcow2, readOnly: true }] })).toContain('no disk');
    const machine = { kind: 'typed', machine: null, emulated: false } as const;
    const efi = { kind: 'efi', secureBoot: false, variables: null } as const;
    for (const [hardware, because] of [
      [{ ...plainHardware, firmware: efi }, 'EFI variables'],
      [{ ...plainHardware, tpm: true }, 'TPM'],
      [{ ...plainHardware, hostDevices: ['0000:03:00.0'] }, 'devices of its node'],
    ] as const) {
      expect(refusalOf({ definition: { ...machine, hardware } })).toContain(because);
    }
    expect(refusalOf({ disks: [qcow2, { ...raw, readOnly: true }] })).toBe('ok');
  });

  it('is refused of a VM that is off, and of one with an edit that waits', () => {
    const bigger = specOf('db', { disks: [qcow2], memoryMiB: 2048 });
    ask((draft) => editVm(draft, world.vm(db), { spec: bigger, before: null }));
    expect(call('create', 'r-1')).toContain('an edit waits');
    ask((draft) => setDesired(draft, world.vm(db), 'stopped', { force: true }));
    world.settle();
    expect(call('create', 'r-2')).toContain('it is stopping');
  });

  it('keeps the machine as it is: an edit of it is refused, one of its place is not', () => {
    make();
    const edit = (change: Partial<VmSpec>): string =>
      ask((draft) =>
        editVm(draft, world.vm(db), { spec: { ...world.vm(db).spec, ...change }, before: null }),
      );
    expect(edit({ memoryMiB: 2048 })).toContain('it has snapshots (s-1, …)');
    expect(edit({ priority: 'high', nodes: [nodeId('n1')] })).toBe('ok');
  });

  it('with the processor of a node in its memory is gone back to on that node alone', () => {
    const cpu = {
      model: { kind: 'hostPassthrough' },
      require: [],
      disable: [],
      topology: null,
    } as const;
    const hardware = { ...plainHardware, cpu };
    const definition = { kind: 'typed', machine: null, emulated: false, hardware } as const;
    const spec = specOf('db', { disks: [qcow2], definition });
    const snapshot = { name: 's-1', by: 'ann', at: 'then', note: null, state: 'ready' } as const;
    const of = (node: string) => ({
      ...world.vm(db),
      spec,
      snapshots: [{ ...snapshot, node: nodeId(node) }],
    });
    const revert = { wish: 'revert', snapshot: 's-1', note: null, request: 'r', by: 'a' } as const;
    expect(ask((draft) => snapshotVm(draft, of('n2'), revert))).toContain('was taken on n2');
    expect(ask((draft) => snapshotVm(draft, of('n1'), revert))).toBe('ok');
  });
});
