import { together } from '../placement/testing/sites.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { nodeId, operationId, vmId, type VmId } from '../model/ids.ts';
import { defaultMigrationLimits } from '../model/move.ts';
import type { NodeObservation } from '../observations.ts';
import type { Outcome } from '../problem.ts';
import {
  cordon,
  evacuate,
  exitMaintenance,
  goDown,
  uncordon,
  type EvacuationWish,
} from '../request/evacuation.ts';
import { actOnVm } from '../request/act.ts';
import { arm, disarm } from '../request/arming.ts';
import { evacuationProgress } from '../explain/evacuation.ts';
import { cancelMove, moveVm } from '../request/move.ts';
import { setDesired } from '../request/vm.ts';
import { Obedient } from '../testing/obedient.ts';
import { incarnationOf, specOf, TestWorld } from '../testing/world.ts';
import { openDraft, type Draft } from './draft.ts';

let world: TestWorld;
let nodes: Obedient;
const [n1, n2, n3] = [nodeId('n1'), nodeId('n2'), nodeId('n3')];

const wish: EvacuationWish = {
  stuck: 'leave',
  allOrNothing: false,
  force: false,
  deadline: null,
  by: 'ada',
  reason: null,
};

function ask<T>(change: (draft: Draft) => Outcome<T>): Outcome<T> {
  const draft = openDraft(world, world.observe());
  const outcome = change(draft);
  if (outcome.kind === 'ok') world.commit(draft.finish({ commands: [], fences: [] }));
  return outcome;
}

const enter = (node = n1, change: Partial<EvacuationWish> = {}) =>
  ask((draft) => evacuate(draft, world.node(node), 'maintenance', { ...wish, ...change }));
const exit = (node = n1) => ask((draft) => exitMaintenance(draft, world.node(node)));
const drain = (node = n1) => ask((draft) => evacuate(draft, world.node(node), 'drain', wish));
const steps = (node = n1) =>
  evacuationProgress(openDraft(world, world.observe()), world.node(node)).steps;

const placeOf = (vm: VmId): string | null => world.vm(vm).permit?.node ?? null;

function seenOf(node: string): NodeObservation {
  const seen = world.seen.get(nodeId(node));
  if (seen === undefined) throw new Error(`${node} was never connected`);
  return seen;
}

/** Silence of one node; the others go on. */
function silence(node: string, ms: number): void {
  world.seen.set(nodeId(node), { ...seenOf(node), sessionOpen: false });
  nodes.lose(node);
  nodes.settle(10, ms / 10);
}

beforeEach(() => {
  world = new TestWorld();
  for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
  world.addRunningVm('a', 'n1');
  world.addRunningVm('b', 'n1');
  world.addRunningVm('c', 'n2');
  nodes = new Obedient(world);
});

const [a, b, c] = [vmId('vm-a'), vmId('vm-b'), vmId('vm-c')];

describe('maintenance', () => {
  it('N16: moves VMs away, live, and takes them back when it ends', () => {
    expect(enter().kind).toBe('ok');
    nodes.settle();
    expect([placeOf(a), placeOf(b), placeOf(c)]).toEqual(['n3', 'n2', 'n2']);
    expect(world.events.filter((code) => code === 'VM_MIGRATED')).toHaveLength(2);
    expect(exit().kind).toBe('ok');
    nodes.settle();
    expect([placeOf(a), placeOf(b), placeOf(c)]).toEqual(['n1', 'n1', 'n2']);
    expect([world.vm(a).away, world.vm(b).away]).toEqual([undefined, undefined]);
  });

  it('a VM that a person moved meanwhile stays where they put it', () => {
    enter();
    nodes.settle();
    const moved = ask((draft) =>
      moveVm(draft, world.vm(a), { to: n2, way: 'live', limits: defaultMigrationLimits }),
    );
    expect(moved.kind).toBe('ok');
    nodes.settle();
    exit();
    nodes.settle();
    expect([placeOf(a), placeOf(b)]).toEqual(['n2', 'n1']);
  });

  it('a VM that is off keeps its home, and one that was switched off elsewhere gets it back', () => {
    const off = world.addVm('off', { desired: 'stopped', home: n1 });
    enter();
    nodes.settle();
    ask((draft) => setDesired(draft, world.vm(a), 'stopped', { force: false }));
    nodes.settle();
    exit();
    nodes.settle();
    expect(world.vm(off).home).toBe('n1');
    expect(world.vm(a)).toMatchObject({ permit: null, home: 'n1' });
  });

  it('cancelled while it begins, what is copied stays and what has left comes back', () => {
    world.settings = { ...world.settings, maxMigrationsPerNode: 1 };
    enter();
    nodes.settle(1);
    const [moving] = [a, b].filter((vm) => world.vm(vm).phase === 'migrating');
    expect(moving).toBeDefined();
    exit();
    nodes.settle();
    expect([placeOf(a), placeOf(b)]).toEqual(['n1', 'n1']);
    expect([world.vm(a).move, world.vm(b).move]).toEqual([null, null]);
  });

  it('O1: a VM that cannot go live stays and says why, or is restarted elsewhere where that is wanted', () => {
    nodes.failing.add('n2').add('n3');
    enter();
    nodes.settle();
    expect([placeOf(a), placeOf(b)]).toEqual(['n1', 'n1']);
    expect(steps().map(({ because }) => because)).toEqual([
      expect.stringContaining('the link broke'),
      expect.stringContaining('the link broke'),
    ]);
    enter(n1, { stuck: 'restart' });
    nodes.settle(800);
    expect(nodes.nodesOf(a)).not.toEqual(['n1']);
    nodes.failing.clear();
    exit();
    nodes.settle(100);
    expect([nodes.nodesOf(a), nodes.nodesOf(b)]).toEqual([['n1'], ['n1']]);
  });

  it('a VM goes the way of its own spec', () => {
    const cold = world.addRunningVm('cold', 'n1', {
      spec: specOf('cold', { onEvacuation: 'restart', memoryMiB: 10 }),
    });
    const stays = world.addRunningVm('stays', 'n1', {
      spec: specOf('stays', { onEvacuation: 'leave', memoryMiB: 10 }),
    });
    nodes = new Obedient(world);
    enter();
    nodes.settle();
    expect(placeOf(cold)).not.toBe('n1');
    expect(placeOf(stays)).toBe('n1');
    expect(steps()).toMatchObject([{ vm: stays, state: 'stays' }]);
    exit();
    nodes.settle();
    expect([placeOf(cold), placeOf(stays)]).toEqual(['n1', 'n1']);
  });

  it('O2: is refused where a VM would have no place, unless it is forced, and then says what waits for room', () => {
    world.addRunningVm('big', 'n1', { spec: specOf('big', { memoryMiB: 1100 }) });
    nodes = new Obedient(world);
    expect(enter()).toMatchObject({ kind: 'problem', problem: { code: 'E_CAPACITY' } });
    expect(world.node(n1).evacuation).toBeUndefined();
    expect(enter(n1, { force: true })).toMatchObject({ kind: 'problem' });
    expect(enter(n1, { force: true, reason: 'smoke' }).kind).toBe('ok');
    nodes.settle();
    expect(steps()).toMatchObject([{ name: 'big', state: 'waits', to: null }]);
    expect(steps()[0]?.because).toContain('MiB');
  });

  it('O2: is refused where the last quorum of managers would go, a witness of it included', () => {
    const manager = { kind: 'manager', api: 'x:1', role: 'voter', joinedAt: '' } as const;
    const rest = { certificateFingerprint: 'f', replaces: null, isWitness: true };
    const id = 'w' as never;
    world.managers.set(id, { ...manager, ...rest, id, number: 1, sessions: 'n1:7' });
    world.managersHeard = { others: 2, heard: 1, sights: new Map() };
    expect(enter()).toMatchObject({ kind: 'problem', problem: { code: 'E_CONFLICT' } });
    world.managersHeard = { others: 2, heard: 2, sights: new Map() };
    expect(enter().kind).toBe('ok');
  });

  it('two nodes at once give their VMs to the third', () => {
    enter(n1);
    enter(n2);
    nodes.settle();
    expect([placeOf(a), placeOf(b), placeOf(c)]).toEqual(['n3', 'n3', 'n3']);
    expect(enter(n3)).toMatchObject({ kind: 'problem' });
    exit(n2);
    nodes.settle();
    expect([placeOf(a), placeOf(b), placeOf(c)]).toEqual(['n3', 'n3', 'n2']);
  });

  it('a VM that is moved on from its refuge goes back to where it was first', () => {
    enter(n1);
    nodes.settle();
    const refuge = nodeId(placeOf(a) ?? '');
    enter(refuge);
    nodes.settle();
    exit(refuge);
    nodes.settle();
    expect(placeOf(a)).not.toBe('n1');
    exit(n1);
    nodes.settle();
    expect(placeOf(a)).toBe('n1');
  });

  it('begins nothing while the cluster is disarmed, and goes on when it is armed', () => {
    const since = '2026-01-01T00:00:00.000Z';
    ask((draft) => disarm(draft, { mode: 'freeze', since, until: null, by: null, reason: null }));
    enter();
    nodes.settle();
    expect([placeOf(a), placeOf(b)]).toEqual(['n1', 'n1']);
    expect(steps()[0]?.because).toContain('disarmed');
    ask((draft) => arm(draft));
    nodes.settle();
    expect([placeOf(a), placeOf(b)]).not.toContain('n1');
  });

  it('after its deadline nothing more is moved, and the node stays closed', () => {
    nodes.failing.add('n2').add('n3');
    enter(n1, { deadline: world.observe().nowWall.replace(/\d\d\.\d+Z$/, '59.000Z') });
    nodes.settle(800);
    nodes.failing.clear();
    nodes.settle(800);
    expect([placeOf(a), placeOf(b)]).toEqual(['n1', 'n1']);
    expect(steps()[0]?.because).toContain('the time for it is over');
    const draft = openDraft(world, world.observe());
    expect(evacuationProgress(draft, world.node(n1)).state).toBe('overdue');
  });

  it('a person cannot keep a VM there, but lets one stay that was to return', () => {
    world.settings = { ...world.settings, maxMigrationsPerNode: 1 };
    enter();
    nodes.settle(1);
    expect(ask((draft) => cancelMove(draft, world.vm(a)))).toMatchObject({ kind: 'problem' });
    nodes.settle();
    nodes.failing.add('n1');
    exit();
    nodes.settle();
    expect(world.vm(a).move?.cause).toBe('return');
    expect(ask((draft) => cancelMove(draft, world.vm(a))).kind).toBe('ok');
    nodes.failing.clear();
    nodes.settle(200);
    expect(placeOf(a)).not.toBe('n1');
    expect(placeOf(b)).toBe('n1');
  });

  it('a VM that a rule binds to where it is by now does not go back, and does not wait to', () => {
    enter();
    nodes.settle();
    const elsewhere = placeOf(a) ?? '';
    world.addRunningVm('stays', elsewhere);
    world.rules.set('r', together('r', [world.vm(a).spec.name, 'stays']));
    exit();
    nodes.settle(200);
    expect([placeOf(a), placeOf(b)]).toEqual([elsewhere, 'n1']);
    expect(world.vm(a)).toMatchObject({ move: null, reason: null });
    expect(world.vm(a).away).toBeUndefined();
    expect(world.events.filter((code) => code === 'VM_NOT_RETURNED')).toHaveLength(1);
  });

  it('a VM that a person paused stays, says why, and leaves once it goes on', () => {
    enter();
    const still = world.domain(a, { state: 'paused', reason: 'user' });
    world.report('n1', [still, world.domain(b)]);
    world.settle();
    expect(world.vm(a)).toMatchObject({ phase: 'running', move: { migration: null } });
    expect(steps().find(({ vm }) => vm === a)).toMatchObject({
      state: 'waits',
      because: 'its guest does not run: paused (user)',
    });
    world.report('n1', [world.domain(a), world.domain(b)]);
    nodes.settle();
    expect(placeOf(a)).not.toBe('n1');
    expect(steps().map(({ vm }) => vm)).not.toContain(a);
  });

  it('a VM waits for what a person asked of it, and says so', () => {
    const asked = ask((draft) =>
      actOnVm(draft, world.vm(a), { verb: 'reset', request: 'r-1', by: 'ann' }),
    );
    expect(asked.kind).toBe('ok');
    enter();
    world.settle();
    expect(world.vm(a).move?.migration).toBeNull();
    expect(steps().find(({ vm }) => vm === a)?.because).toBe(
      'reset was asked of it and is not answered yet',
    );
    world.outcome(operationId(`act/${a}/r-1`), { kind: 'done' });
    nodes.settle();
    expect(placeOf(a)).not.toBe('n1');
    expect(steps().map(({ vm }) => vm)).not.toContain(a);
  });

  it('a VM that is restarted elsewhere waits there for those it starts after, and keeps no node', () => {
    const gate = { kind: 'delay', ms: 3_600_000 } as const;
    const after = [{ vm: 'c', gate, timeoutMs: 3_600_000, onTimeout: 'hold' }] as const;
    const late = world.addRunningVm('late', 'n1', {
      spec: specOf('late', { onEvacuation: 'restart', after }),
    });
    nodes = new Obedient(world);
    enter();
    nodes.settle();
    expect(steps()).toEqual([]);
    expect(world.vm(late)).toMatchObject({ permit: null, desired: 'running' });
    expect(world.vm(late).reason).toContain('waits until c');
  });
});

describe('a node in maintenance that falls silent', () => {
  it('O3: is not fenced when it is empty', () => {
    enter();
    nodes.settle();
    world.addVm('off', { desired: 'stopped', home: n1 });
    silence('n1', 60_000);
    expect(world.fences.size).toBe(0);
    expect(world.node(n1)).toMatchObject({ phase: 'joining', incarnation: null });
    expect(world.node(n1).flaps ?? 0).toBe(0);
  });

  it('is fenced like any other as long as a VM is on it', () => {
    nodes.failing.add('n2').add('n3');
    enter();
    nodes.settle();
    silence('n1', 10_000);
    expect(world.onlyFence()).toMatchObject({ node: 'n1', phase: 'intent' });
  });

  it('U5: stays in maintenance over its reboot, and takes its VMs back after it', () => {
    enter();
    nodes.settle();
    silence('n1', 60_000);
    world.connect('n1', incarnationOf('n1', 2));
    nodes.settle();
    expect(world.node(n1)).toMatchObject({ phase: 'online' });
    expect(placeOf(a)).not.toBe('n1');
    exit();
    nodes.settle();
    expect([placeOf(a), placeOf(b)]).toEqual(['n1', 'n1']);
  });
});

describe('a drain', () => {
  it('leaves VMs where they went, and ends with an uncordon', () => {
    ask((draft) => cordon(draft, world.node(n1)));
    drain();
    nodes.settle();
    expect([placeOf(a), placeOf(b)]).not.toContain('n1');
    expect(exit()).toMatchObject({ kind: 'problem' });
    ask((draft) => uncordon(draft, world.node(n1)));
    nodes.settle();
    expect([placeOf(a), placeOf(b)]).not.toContain('n1');
    expect(world.node(n1)).toMatchObject({ cordoned: false });
    expect(world.node(n1).evacuation).toBeUndefined();
  });
});

describe('a node that goes down by its own will', () => {
  const departures = () => world.step().departures;

  it('N26: with policy migrate is emptied before it may go, and takes its VMs back', () => {
    world.settings = { ...world.settings, shutdownPolicy: 'migrate' };
    world.say('n1', 'reboot');
    world.step();
    expect(departures()).toEqual([]);
    nodes.settle(100);
    expect([placeOf(a), placeOf(b)]).not.toContain('n1');
    expect(departures()).toMatchObject([{ node: 'n1', action: null }]);
    silence('n1', 60_000);
    expect(world.fences.size).toBe(0);
    world.connect('n1', incarnationOf('n1', 2));
    nodes.settle(100);
    expect([placeOf(a), placeOf(b)]).toEqual(['n1', 'n1']);
    expect(world.node(n1).downtime).toBeUndefined();
  });

  it('N26: a VM that is ignored holds up no shutdown', () => {
    world.settings = { ...world.settings, shutdownPolicy: 'migrate' };
    for (const id of [a, b]) world.vms.set(id, { ...world.vm(id), desired: 'ignored' });
    world.say('n1', 'reboot');
    world.step();
    expect(departures()).toMatchObject([{ node: 'n1', action: null }]);
    expect([placeOf(a), placeOf(b)]).toEqual(['n1', 'n1']);
  });

  it('N26: that reboots with VMs frozen is awaited, and starts them again', () => {
    world.say('n1', 'reboot');
    nodes.settle(5);
    expect(departures()).toMatchObject([{ node: 'n1', action: null }]);
    // Its guests end while its agent still reports: they are not started anew there.
    nodes.lose('n1');
    nodes.settle(5);
    expect([world.vm(a).phase, placeOf(a)]).toEqual(['running', 'n1']);
    silence('n1', 60_000);
    expect(world.fences.size).toBe(0);
    world.connect('n1', incarnationOf('n1', 2));
    nodes.settle(100);
    expect([nodes.nodesOf(a), nodes.nodesOf(b)]).toEqual([['n1'], ['n1']]);
    expect(world.onlyFence().proof?.kind).toBe('newBoot');
  });

  it('N26: that does not come back from its reboot is lost after a while', () => {
    world.say('n1', 'reboot');
    nodes.settle(5);
    silence('n1', world.settings.rebootPatienceMs + 10_000);
    nodes.settle(5, 1000);
    expect(world.onlyFence()).toMatchObject({ node: 'n1' });
  });

  it('N26: that is shut down under the conditional policy is lost at once', () => {
    world.say('n1', 'shutdown');
    nodes.settle(5);
    silence('n1', 10_000);
    expect(world.onlyFence()).toMatchObject({ node: 'n1' });
  });

  it('gets no new VMs while it is at it, and gets them again when it is called off', () => {
    world.say('n1', 'reboot');
    nodes.settle(5);
    const late = world.addVm('late');
    nodes.settle();
    expect(placeOf(late)).not.toBe('n1');
    world.say('n1', null);
    world.step();
    expect(world.node(n1).downtime).toBeUndefined();
    expect(world.events).toContain('NODE_STAYS_UP');
  });

  it('that a person wants to be rebooted is told so once it is empty', () => {
    const asked = ask((draft) =>
      goDown(draft, world.node(n1), 'reboot', { ...wish, policy: 'migrate' }),
    );
    expect(asked.kind).toBe('ok');
    expect(departures()).toEqual([]);
    nodes.settle(100);
    expect(departures()).toMatchObject([{ node: 'n1', action: 'reboot' }]);
  });
});
