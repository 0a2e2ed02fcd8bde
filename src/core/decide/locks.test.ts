import { beforeEach, describe, expect, it } from 'vitest';
import { explainVm } from '../explain/awaiting.ts';
import { findingsOf } from '../explain/findings.ts';
import { nodeId, type VmId } from '../model/ids.ts';
import { defaultMigrationLimits } from '../model/move.ts';
import type { LockKind } from '../model/vm-lock.ts';
import type { Outcome } from '../problem.ts';
import { restartVm } from '../request/act.ts';
import { lockVm, unlockVm } from '../request/lock.ts';
import { moveVm } from '../request/move.ts';
import { deleteVm, setDesired } from '../request/vm.ts';
import { incarnationOf, TestWorld } from '../testing/world.ts';
import { openDraft, type Draft } from './draft.ts';

const n1 = nodeId('n1');
let world: TestWorld;
let db: VmId;

beforeEach(() => {
  world = new TestWorld();
  for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
  db = world.addRunningVm('db', 'n1');
  world.step();
});

function ask(change: (draft: Draft) => Outcome<unknown>): string {
  const draft = openDraft(world, world.observe());
  const outcome = change(draft);
  if (outcome.kind === 'problem') return outcome.problem.because;
  world.commit(draft.finish({ commands: [], fences: [] }));
  return 'ok';
}

const lock = (kind: LockKind, by = 'backup-1'): string =>
  ask((draft) => lockVm(draft, world.vm(db), { kind, by, reason: 'nightly' }));
const unlock = (): string => ask((draft) => unlockVm(draft, world.vm(db)));
const desire = (desired: 'running' | 'stopped'): string =>
  ask((draft) => setDesired(draft, world.vm(db), desired, { force: true }));

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

function switchOff(): void {
  desire('stopped');
  world.settle();
  const { operation } = world.vm(db);
  if (operation === null) throw new Error('it is not stopped');
  world.outcome(operation.id, { kind: 'done' });
  world.report('n1', []);
  world.settle();
}

describe('a locked VM', () => {
  it('that runs goes on, is not moved, not restarted and not deleted, and says why', () => {
    expect(lock('backup')).toBe('ok');
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'running', lock: { kind: 'backup', node: 'n1' } });
    const move = { to: null, way: 'live', limits: defaultMigrationLimits } as const;
    const once = { request: 'r', by: 'admin', force: false } as const;
    const why = /^it is locked \(backup\) by backup-1 since .*: nightly$/;
    expect(ask((draft) => moveVm(draft, world.vm(db), move))).toMatch(why);
    expect(ask((draft) => restartVm(draft, world.vm(db), once))).toMatch(why);
    expect(ask((draft) => deleteVm(draft, world.vm(db)))).toMatch(why);
    expect(explainVm(world.vm(db), world, world.observe()).try).toEqual(['kennel vm unlock db']);
  });

  it('is not started before it is unlocked, and is then', () => {
    switchOff();
    expect(world.vm(db)).toMatchObject({ phase: 'stopped', permit: null });
    expect(lock('clone')).toBe('ok');
    expect(desire('running')).toBe('ok');
    pass(120_000, 'n1', 'n2', 'n3');
    expect(world.vm(db)).toMatchObject({ phase: 'stopped', permit: null });
    const codes = findingsOf(world, world.observe()).map(({ code }) => code);
    expect(codes).toContain('VM_LOCKED');
    expect(explainVm(world.vm(db), world, world.observe()).awaiting).not.toEqual([]);
    expect(unlock()).toBe('ok');
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'starting', reason: null });
  });

  it('that ends by itself is not started again before it is unlocked', () => {
    lock('snapshot');
    world.report('n1', []);
    world.settle();
    const { operation } = world.vm(db);
    expect(operation?.kind).toBe('release');
    if (operation !== null) world.outcome(operation.id, { kind: 'done' });
    pass(120_000, 'n1', 'n2', 'n3');
    expect(world.vm(db)).toMatchObject({ permit: null, phase: 'stopped' });
  });

  it('is recovered off a dead node: its backup has died with it', () => {
    lock('backup');
    loseN1();
    expect(world.vm(db)).toMatchObject({ phase: 'recovering', lock: null });
    expect(world.events).toContain('VM_UNLOCKED');
  });

  it('that is half made gets another home off a dead node, and is not started there', () => {
    lock('create');
    loseN1();
    pass(10_000, 'n2', 'n3');
    expect(world.vm(db)).toMatchObject({
      phase: 'stopped',
      permit: null,
      lock: { kind: 'create' },
    });
    expect(world.vm(db).home).not.toBe(n1);
    expect(world.vm(db).reason).toMatch(/^it is locked \(create\)/);
    unlock();
    world.settle();
    expect(world.vm(db).phase).toBe('starting');
  });

  it('that is off when its agent starts anew is not started by that', () => {
    lock('backup');
    world.connect('n1', incarnationOf('n1', 1, 2));
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'stopping', operation: { kind: 'release' } });
    pass(120_000, 'n1', 'n2', 'n3');
    expect(world.vm(db).permit?.token ?? 2).toBe(2);
    expect(world.events.filter((code) => code === 'VM_STARTED')).toEqual([]);
  });

  it('keeps its lock when its node restarts, and nobody can say that the work of it is over', () => {
    lock('hold');
    world.connect('n1', incarnationOf('n1', 2));
    pass(5000, 'n1', 'n2', 'n3');
    expect(world.vm(db).lock).not.toBeNull();
  });
});

describe('lock', () => {
  it('is refused on one that is locked by another, and repeatable by the same', () => {
    lock('backup');
    expect(lock('backup')).toBe('ok');
    expect(lock('backup', 'backup-2')).toMatch(/^it is locked/);
    expect(unlock()).toBe('ok');
    expect(unlock()).toBe('ok');
  });

  it('takes back a move that has not begun, and is refused once one has', () => {
    const move = { to: null, way: 'cold', limits: defaultMigrationLimits } as const;
    ask((draft) => moveVm(draft, world.vm(db), move));
    expect(lock('backup')).toBe('ok');
    expect(world.vm(db).move).toBeNull();
    unlock();
    ask((draft) => moveVm(draft, world.vm(db), move));
    pass(2000, 'n1', 'n2', 'n3');
    expect(world.vm(db).phase).toBe('stopping');
    expect(lock('backup')).toBe('it is being moved');
  });
});
