import { beforeEach, describe, expect, it } from 'vitest';
import { vmId, type VmId } from '../model/ids.ts';
import type { VmRecord } from '../model/vm.ts';
import type { Outcome } from '../problem.ts';
import { openDraft } from '../decide/draft.ts';
import { TestWorld } from '../testing/world.ts';
import { cloneVm, type CloneWish } from './clone.ts';
import { renameVm } from './rename.ts';

let world: TestWorld;
let db: VmId;

beforeEach(() => {
  world = new TestWorld();
  for (const name of ['n1', 'n2']) world.addNode(name);
  db = world.addVm('db', { desired: 'stopped' });
});

function ask(change: (vm: VmRecord, draft: ReturnType<typeof openDraft>) => Outcome<VmRecord>) {
  const draft = openDraft(world, world.observe());
  const outcome = change(world.vm(db), draft);
  if (outcome.kind === 'ok') world.commit(draft.finish({ commands: [], fences: [] }));
  return outcome;
}

const rename = (to: string, request = 'r-1') =>
  ask((vm, draft) => renameVm(draft, vm, { to, request, by: 'ann' }));

describe('a rename', () => {
  it('is known to those that wait for it, are kept apart from it, and to rules', () => {
    const spec = { ...world.vm(db).spec, name: 'web', disks: [], separateFrom: ['db', 'x'] };
    const gate = { kind: 'running' } as const;
    const after = [{ vm: 'db', gate, timeoutMs: 1000, onTimeout: 'continue' } as const];
    const web = world.addVm('web', { spec: { ...spec, after } });
    expect(rename('pg')).toMatchObject({ kind: 'ok', value: { id: db, spec: { name: 'pg' } } });
    expect(world.vm(web).spec).toMatchObject({
      separateFrom: ['pg', 'x'],
      after: [{ vm: 'pg', timeoutMs: 1000 }],
    });
  });

  it('under the same request is made once, and under another one is another', () => {
    rename('pg');
    const acted = world.vm(db).acted?.length;
    expect(rename('pg')).toMatchObject({ kind: 'ok' });
    expect(world.vm(db).acted).toHaveLength(acted ?? -1);
    expect(rename('pg2', 'r-2')).toMatchObject({ kind: 'ok', value: { spec: { name: 'pg2' } } });
  });

  it('to a name that is taken, and of a VM that runs or is about to, is refused', () => {
    world.addVm('web', { spec: { ...world.vm(db).spec, name: 'web', disks: [] } });
    expect(rename('web')).toMatchObject({ problem: { code: 'E_NAME_TAKEN' } });
    db = world.addRunningVm('live', 'n1');
    expect(rename('other')).toMatchObject({
      problem: { because: expect.stringContaining('on n1'), try: ['kennel vm stop live --wait'] },
    });
    db = world.addVm('soon', { desired: 'running' });
    expect(rename('other')).toMatchObject({ problem: { code: 'E_CONFLICT' } });
  });
});

describe('a clone', () => {
  const nbd = (name: string) => ({ kind: 'nbd', host: 's', port: 1, export: name }) as const;
  const disk = (name: string, readOnly = false) =>
    ({ source: nbd(name), format: 'raw', bus: 'virtio', readOnly }) as const;
  const wish: CloneWish = {
    id: vmId('cccccccc-cccc-4ccc-8ccc-cccccccccccc'),
    name: 'copy',
    disks: [nbd('new')],
    macs: ['52:54:00:00:00:02'],
    desired: 'stopped',
    home: null,
    request: 'r-1',
    by: 'ann',
  };
  const clone = (change: Partial<CloneWish> = {}) =>
    ask((vm, draft) => cloneVm(draft, vm, { ...wish, ...change }));

  beforeEach(() => {
    const { spec } = world.vm(db);
    const attach = { kind: 'bridge', bridge: 'br0' } as const;
    db = world.addVm('full', {
      desired: 'stopped',
      spec: {
        ...spec,
        name: 'full',
        disks: [disk('iso', true), disk('root')],
        interfaces: [{ mac: '52:54:00:00:00:01', attach, model: 'virtio' }],
        consoleLog: '/var/log/full',
      },
    });
  });

  it('has its own disks, name, UUID and cards, and shares what is only read', () => {
    const made = clone();
    expect(made).toMatchObject({ kind: 'ok', value: { id: wish.id, desired: 'stopped' } });
    expect(world.vm(wish.id).spec).toMatchObject({
      name: 'copy',
      disks: [disk('iso', true), disk('new')],
      interfaces: [{ mac: '52:54:00:00:00:02' }],
      consoleLog: null,
    });
    expect(clone()).toMatchObject({ kind: 'ok', value: { id: wish.id } });
  });

  it('with a disk too few, or on the disk of another VM, is refused', () => {
    expect(clone({ disks: [] })).toMatchObject({
      problem: { because: 'it writes to 1 disks, and 0 were named for the clone' },
    });
    expect(clone({ disks: [nbd('root')] })).toMatchObject({ problem: { code: 'E_DISK_TAKEN' } });
  });

  it('of a VM that is made from a domain XML is refused', () => {
    const vm = world.vm(db);
    const definition = { kind: 'xml', xml: '<domain/>' } as const;
    db = world.addVm('old', {
      spec: { ...vm.spec, name: 'old', disks: [], interfaces: [], definition },
    });
    expect(clone()).toMatchObject({ problem: { code: 'E_CONFLICT' } });
  });
});
