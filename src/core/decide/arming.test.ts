import { beforeEach, describe, expect, it } from 'vitest';
import { findingsOf } from '../explain/findings.ts';
import { vmState } from '../explain/states.ts';
import type { Disarmed, DisarmMode } from '../model/arming.ts';
import type { VmId } from '../model/ids.ts';
import { defaultMigrationLimits } from '../model/move.ts';
import type { VmRecord } from '../model/vm.ts';
import type { Outcome } from '../problem.ts';
import { arm, disarm } from '../request/arming.ts';
import { moveVm } from '../request/move.ts';
import { setDesired } from '../request/vm.ts';
import { TestWorld } from '../testing/world.ts';
import { type Draft, openDraft } from './draft.ts';
import { withResume } from './operations.ts';

let world: TestWorld;
let db: VmId;

const now = (): string => world.observe().nowWall;

function asked<T>(change: (draft: Draft) => Outcome<T>): T {
  const draft = openDraft(world, world.observe());
  const outcome = change(draft);
  if (outcome.kind === 'problem') throw new Error(outcome.problem.because);
  world.commit(draft.finish({ commands: [], fences: [] }));
  return outcome.value;
}

function disarmed(mode: DisarmMode, more: Partial<Disarmed> = {}): void {
  asked((draft) =>
    disarm(draft, { mode, since: now(), until: null, by: 'admin', reason: null, ...more }),
  );
}

const vm = (id: VmId = db): VmRecord => {
  const found = world.vms.get(id);
  if (found === undefined) throw new Error('it is gone');
  return found;
};

function pass(ms: number, ...heard: readonly string[]): void {
  for (let passed = 0; passed < ms; passed += 500) {
    world.nowMs += 500;
    world.beat(...heard);
    world.settle();
  }
}

beforeEach(() => {
  world = new TestWorld();
  for (const name of ['n1', 'n2', 'n3', 'n4']) world.addNode(name);
  db = world.addRunningVm('db', 'n1');
  world.step();
});

describe.each(['freeze', 'ignore'] as const)('a cluster that is disarmed, %s', (mode) => {
  beforeEach(() => disarmed(mode));

  it('does not fence a silent node, and does once it is armed', () => {
    pass(60_000, 'n2', 'n3', 'n4');
    expect(world.fences.size).toBe(0);
    asked((draft) => arm(draft));
    pass(2000, 'n2', 'n3', 'n4');
    expect(world.fences.size).toBe(1);
  });

  it('does not restart a VM that ended, and does once it is armed', () => {
    world.report('n1', []);
    pass(30_000, 'n1', 'n2', 'n3', 'n4');
    expect(vm()).toMatchObject({ phase: 'running' });
    expect(vmState(vm(), world, world.observe())).toBe('stopped');
    asked((draft) => arm(draft));
    pass(2000, 'n1', 'n2', 'n3', 'n4');
    expect(['starting', 'stopping']).toContain(vm().phase);
  });

  it('says so, with the command that ends it', () => {
    expect(findingsOf(world, world.observe())).toContainEqual(
      expect.objectContaining({ code: 'DISARMED', try: ['kennel arm'] }),
    );
    expect(world.events).toContain('CLUSTER_DISARMED');
  });

  it('arms by itself when its time is over', () => {
    asked((draft) => arm(draft));
    world.nowMs += 1000;
    disarmed(mode, { until: '2026-01-01T00:01:51.000Z' });
    pass(9000, 'n1', 'n2', 'n3', 'n4');
    expect(world.arming.disarmed).not.toBeNull();
    pass(2000, 'n1', 'n2', 'n3', 'n4');
    expect(world.arming.disarmed).toBeNull();
    expect(world.events.at(-1)).toBe('CLUSTER_ARMED');
  });
});

it('frozen, what a person asks for is done', () => {
  disarmed('freeze');
  asked((draft) => setDesired(draft, vm(), 'stopped', { force: false }));
  expect(world.step().commands).toMatchObject([{ command: { kind: 'release', vm: db } }]);
  const other = world.addVm('other');
  asked((draft) => setDesired(draft, vm(other), 'running', { force: false }));
  pass(1000, 'n1', 'n2', 'n3', 'n4');
  expect(vm(other)).toMatchObject({ phase: 'starting' });
});

it('a device is not told anything for an operation that was open when the cluster was disarmed', () => {
  pass(4000, 'n2', 'n3', 'n4');
  const [fence] = world.fences.values();
  disarmed('freeze');
  if (fence === undefined) throw new Error('no intent');
  world.execution(fence.id, { wantsToAct: true });
  world.settle();
  expect(world.fences.get(fence.id)?.phase).toBe('intent');
  asked((draft) => arm(draft));
  world.beat('n2', 'n3', 'n4');
  world.settle();
  expect(world.fences.get(fence.id)?.phase).toBe('acting');
});

it('left to people, a VM that was moved past Kennel is taken over where it runs, after its owner gave it up', () => {
  disarmed('ignore');
  world.settle();
  expect(vm()).toMatchObject({ adopting: true, permit: { node: 'n1' } });
  world.report('n2', [world.domain(db)]);
  world.report('n1', []);
  pass(10_000, 'n1', 'n2', 'n3', 'n4');
  expect(world.step().commands).toEqual([]);
  expect(vm().permit?.node).toBe('n1');
  asked((draft) => arm(draft));
  world.settle();
  expect(vm()).toMatchObject({ phase: 'stopping', permit: { node: 'n1' } });
});

it('VMs that are left to people cannot be frozen: nobody knows where they are', () => {
  disarmed('ignore');
  expect(() => disarmed('freeze')).toThrow('left to people');
});

it('left to people, a guest that was just handed over to another node is woken first', () => {
  const before = vm();
  if (before.permit === null) throw new Error('it has no owner');
  world.vms.set(db, withResume(before, before.permit, before.permit.token));
  world.report('n1', [world.domain(db, { state: 'paused', reason: 'migration' })]);
  disarmed('ignore');
  expect(world.step().commands).toMatchObject([
    { command: { kind: 'resume', permit: { vm: db } } },
  ]);
  expect(vm().adopting).toBe(false);
  world.report('n1', [world.domain(db)]);
  world.settle();
  expect(vm()).toMatchObject({ operation: null, adopting: true });
});

describe('a VM that a person wants on another node by a shutdown', () => {
  const wish = { to: null, way: 'cold', limits: defaultMigrationLimits } as const;

  it('stays when the cluster is disarmed in the same breath, also once it is armed', () => {
    asked((draft) => moveVm(draft, vm(), wish));
    world.settle();
    disarmed('freeze');
    pass(60_000, 'n1', 'n2', 'n3', 'n4');
    asked((draft) => arm(draft));
    pass(60_000, 'n1', 'n2', 'n3', 'n4');
    expect(vm()).toMatchObject({ phase: 'running', move: null, permit: { node: 'n1', token: 1 } });
  });

  it('is shut down a moment after it was asked for', () => {
    asked((draft) => moveVm(draft, vm(), wish));
    pass(500, 'n1', 'n2', 'n3', 'n4');
    expect(vm().phase).toBe('running');
    pass(1000, 'n1', 'n2', 'n3', 'n4');
    expect(vm().phase).toBe('stopping');
  });
});
