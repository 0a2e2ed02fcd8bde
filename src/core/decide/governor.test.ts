import { beforeEach, describe, expect, it } from 'vitest';
import { findingsOf } from '../explain/findings.ts';
import { nodeId, type NodeId } from '../model/ids.ts';
import { releaseGovernor } from '../request/governor.ts';
import { incarnationOf, TestWorld } from '../testing/world.ts';
import { openDraft } from './draft.ts';

const names = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `n${String(from + index).padStart(2, '0')}`);

let world: TestWorld;

/** All executions want to act all the time; only those named are heard. */
function pass(ms: number, heard: readonly string[]): void {
  for (let passed = 0; passed < ms; passed += 500) {
    world.nowMs += 500;
    world.beat(...heard);
    world.settle();
    for (const fence of world.fences.values()) world.execution(fence.id, { wantsToAct: true });
    world.settle();
  }
}

function make(count: number): void {
  world = new TestWorld();
  for (const name of names(1, count)) {
    world.addNode(name, { labels: { rack: Number(name.slice(1)) <= 10 ? 'r1' : 'r2' } });
    world.addRunningVm(`vm-${name}`, name);
  }
  world.step();
}

const acting = (): readonly NodeId[] =>
  [...world.fences.values()].filter((one) => one.phase === 'acting').map((one) => one.node);

function release(): void {
  const draft = openDraft(world, world.observe());
  const outcome = releaseGovernor(draft);
  if (outcome.kind === 'problem') throw new Error(outcome.problem.because);
  world.commit(draft.finish({ commands: [], fences: [] }));
}

function prove(name: string): void {
  for (let count = 0; count < 3; count += 1) {
    world.nowMs += 1000;
    world.beat(...names(11, world.nodes.size));
    for (const fence of world.fences.values()) {
      if (fence.node === nodeId(name)) world.read(fence.id, `${name}/bmc`, 'off');
    }
    world.settle();
  }
}

describe('a rack of ten out of 32 nodes', () => {
  beforeEach(() => make(32));

  it('N18: is one incident, named by what its nodes have in common, and nobody is powered off', () => {
    pass(120_000, names(11, 32));
    expect(acting()).toEqual([]);
    expect(world.events.filter((code) => code === 'GOVERNOR_HOLDS')).toHaveLength(1);
    expect(world.events).not.toContain('FENCE_BLOCKED');
    expect(world.governor.hold).toMatchObject({ incident: 'I-1', common: 'rack=r1' });
    expect(world.governor.hold?.nodes).toEqual(names(1, 10));
    const [finding] = findingsOf(world, world.observe());
    expect(finding?.code).toBe('GOVERNOR_HOLDS');
    expect(finding?.try[0]).toBe('kennel governor release --reason "..."');
  });

  it('N18: is fenced when a person releases it', () => {
    pass(20_000, names(11, 32));
    release();
    pass(1000, names(11, 32));
    expect(acting()).toHaveLength(10);
    expect(world.governor.spent).toEqual([]);
  });

  it('N18: a node of it that reads Off is proven meanwhile; the others go on waiting', () => {
    pass(10_000, names(11, 32));
    for (const name of names(1, 7)) prove(name);
    pass(90_000, names(11, 32));
    expect(world.node(nodeId('n01')).phase).toBe('fenced');
    expect(world.node(nodeId('n08')).phase).toBe('blocked');
    expect(acting()).toEqual([]);
  });

  it('N18: ends by itself when no more are out than may be lost at once', () => {
    pass(10_000, names(11, 32));
    pass(10_000, names(4, 32));
    expect(world.governor.hold).toBeNull();
    expect(world.events).toContain('GOVERNOR_RELEASED');
    pass(10_000, names(4, 32));
    expect(acting()).toEqual(names(1, 3));
  });

  it('a release lets go those of the incident, and no others', () => {
    pass(10_000, names(11, 32));
    release();
    pass(1000, names(11, 32));
    pass(10_000, names(21, 32));
    expect(acting()).toHaveLength(10);
    expect(world.governor.hold?.nodes).toEqual(names(11, 20));
  });

  it('a hold is refused a second release', () => {
    const draft = openDraft(world, world.observe());
    expect(releaseGovernor(draft).kind).toBe('problem');
  });
});

describe('nodes that are lost one after the other', () => {
  /** The node is lost, powered off, proven, and back with another boot. */
  function loseAndMend(name: string, others: readonly string[]): void {
    const start = acting().length;
    pass(4000, others);
    if (acting().length === start) return;
    for (let count = 0; count < 3; count += 1) {
      world.nowMs += 1000;
      world.beat(...others);
      for (const fence of world.fences.values()) {
        if (fence.node === nodeId(name)) world.read(fence.id, `${name}/bmc`, 'off');
      }
      world.settle();
    }
    const boot = (world.node(nodeId(name)).flaps ?? 0) + 10;
    world.nowMs += 100;
    world.connect(name, incarnationOf(name, boot));
    world.settle();
  }

  it('N18: within the window no more different nodes are powered off than the budget says', () => {
    make(12);
    const all = names(1, 12);
    for (const name of all.slice(0, 6)) {
      loseAndMend(
        name,
        all.filter((one) => one !== name),
      );
      pass(
        61_000,
        all.filter((one) => world.node(nodeId(one)).phase !== 'blocked'),
      );
    }
    const told = new Set(world.governor.spent.map((one) => one.node));
    expect(told.size).toBe(4);
    expect(world.governor.hold?.because).toContain('4 nodes were powered off within 10 min');
  });

  it('the window passes, and with it the hold', () => {
    make(12);
    const all = names(1, 12);
    for (const name of all.slice(0, 4)) {
      loseAndMend(
        name,
        all.filter((one) => one !== name),
      );
      pass(61_000, all);
    }
    pass(10_000, all.slice(0, 11));
    expect(world.governor.hold?.nodes).toEqual(['n12']);
    world.nowMs += 400_000;
    for (const name of all.slice(0, 11)) world.beat(name);
    pass(10_000, all.slice(0, 11));
    expect(world.governor.hold).toBeNull();
    expect(acting()).toEqual(['n12']);
  });

  it('one node that is lost again and again costs the window one node', () => {
    make(12);
    const all = names(1, 12);
    for (let count = 0; count < 6; count += 1) {
      loseAndMend('n01', all.slice(1));
      pass(1000, all);
    }
    expect(world.governor.hold).toBeNull();
    expect(new Set(world.governor.spent.map((one) => one.node)).size).toBe(1);
  });

  it('a new leader counts what is in the record for longer rather than not at all', () => {
    make(12);
    const all = names(1, 12);
    loseAndMend('n01', all.slice(1));
    const { spent } = world.governor;
    expect(spent).toHaveLength(1);
    world.nowMs += 590_000;
    for (const [id, since] of world.fencePhaseSince) {
      world.fencePhaseSince.set(id, { ...since, ms: world.nowMs });
    }
    pass(20_000, all);
    expect(world.governor.spent).toEqual(spent);
  });
});
