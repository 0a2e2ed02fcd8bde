import { beforeEach, describe, expect, it } from 'vitest';
import { openDraft } from '../decide/draft.ts';
import { operationId, type VmId } from '../model/ids.ts';
import type { VmSpec } from '../model/vm.ts';
import { specOf, TestWorld } from '../testing/world.ts';
import { restartVm } from './act.ts';
import { editVm } from './edit.ts';

let world: TestWorld;
let db: VmId;

beforeEach(() => {
  world = new TestWorld();
  for (const name of ['n1', 'n2']) world.addNode(name);
  db = world.addRunningVm('db', 'n1');
});

function edit(id: VmId, spec: VmSpec, before: VmSpec | null = null) {
  const draft = openDraft(world, world.observe());
  const outcome = editVm(draft, world.vm(id), { spec, before });
  if (outcome.kind === 'problem') return outcome.problem.because;
  world.commit(draft.finish({ commands: [], fences: [] }));
  const { now, nextStart } = outcome.value;
  return { now, nextStart };
}

function restart(): void {
  const draft = openDraft(world, world.observe());
  restartVm(draft, world.vm(db), { force: true, request: 'r', by: 'ann' });
  world.commit(draft.finish({ commands: [], fences: [] }));
  world.settle();
  world.outcome(operationId(`release/${db}/1/now`), { kind: 'done' });
  world.report('n1', []);
}

describe('an edit of a VM that runs', () => {
  it('takes effect now where Kennel reads it, and where its domain is made from it after the next stop', () => {
    const spec = specOf('db', { priority: 'high', memoryMiB: 300, vcpus: 2 });
    expect(edit(db, spec)).toEqual({ now: ['priority'], nextStart: ['vcpus', 'memoryMiB'] });
    expect(world.vm(db).spec).toMatchObject({ priority: 'high', memoryMiB: 100, vcpus: 1 });
    restart();
    const starts = world.settle().flatMap((plan) => plan.commands);
    expect(starts).toMatchObject([{ command: { kind: 'start', spec: { memoryMiB: 300 } } }]);
    expect(world.vm(db)).toMatchObject({ spec, staged: null });
  });

  it('holds the room of what runs until then, and is placed by the new one', () => {
    edit(db, specOf('db', { memoryMiB: 950 }));
    const other = world.addVm('web', { spec: specOf('web', { memoryMiB: 800 }) });
    world.settle();
    const home = world.vm(other).permit?.node;
    expect(home).toBeDefined();
    restart();
    world.settle();
    expect(world.vm(db).permit?.node).not.toBe(home);
  });

  it('is kept over a start over on the same node, which is made from the old spec', () => {
    edit(db, specOf('db', { memoryMiB: 300 }));
    world.report('n1', [world.domain(db, { active: false, state: 'shutOff', reason: 'crashed' })]);
    world.settle();
    expect(world.vm(db)).toMatchObject({ spec: { memoryMiB: 100 }, staged: { memoryMiB: 300 } });
  });

  it('back to what runs leaves nothing to wait for', () => {
    edit(db, specOf('db', { memoryMiB: 300 }));
    expect(edit(db, specOf('db'))).toEqual({ now: [], nextStart: [] });
    expect(world.vm(db).staged).toBeNull();
  });
});

describe('an edit', () => {
  it('of a VM that is off takes effect at once', () => {
    const off = world.addVm('off', { desired: 'stopped' });
    const spec = specOf('off', { memoryMiB: 300 });
    expect(edit(off, spec)).toEqual({ now: ['memoryMiB'], nextStart: [] });
    expect(world.vm(off).spec).toEqual(spec);
  });

  it('of something that was changed meanwhile is refused, a repeated one is not', () => {
    const before = world.vm(db).spec;
    const spec = specOf('db', { memoryMiB: 300 });
    edit(db, spec, before);
    expect(edit(db, spec, before)).toMatchObject({ nextStart: ['memoryMiB'] });
    expect(edit(db, specOf('db', { memoryMiB: 400 }), before)).toContain('somebody changed it');
    expect(edit(db, specOf('db', { vcpus: 2 }), spec)).toMatchObject({ nextStart: ['vcpus'] });
  });

  it('V16: to a disk that another VM has, or waits for, is refused', () => {
    const disk = {
      source: { kind: 'sharedFile', path: '/vms/one' },
      format: 'raw',
      bus: 'virtio',
      readOnly: false,
    } as const;
    edit(db, specOf('db', { disks: [disk] }));
    const web = world.addVm('web', { desired: 'stopped' });
    expect(edit(web, specOf('web', { disks: [disk] }))).toContain('db has disk');
    expect(edit(web, specOf('other'))).toContain('its name stays');
  });
});
