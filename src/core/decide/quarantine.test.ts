import { beforeEach, describe, expect, it } from 'vitest';
import { explainNode } from '../explain/awaiting.ts';
import { findingsOf } from '../explain/findings.ts';
import { nodeId, vmId } from '../model/ids.ts';
import { defaultGuards } from '../model/settings.ts';
import { unquarantine } from '../request/node-marks.ts';
import { incarnationOf, TestWorld } from '../testing/world.ts';
import { openDraft } from './draft.ts';

const n1 = nodeId('n1');
const all = ['n1', 'n2', 'n3', 'n4'] as const;
const vmOf = (name: string) => vmId(`vm-${name}`);
let world: TestWorld;

function pass(ms: number, heard: readonly string[], stepMs = 500): void {
  for (let passed = 0; passed < ms; passed += stepMs) {
    world.nowMs += stepMs;
    world.beat(...heard);
    world.settle();
  }
}

/** Lost for long enough for an intent, and heard again before any device command. */
function flap(name: string): void {
  pass(
    4000,
    all.filter((one) => one !== name),
  );
  world.nowMs += 100;
  world.beat(...all);
  world.settle();
}

beforeEach(() => {
  world = new TestWorld();
  for (const name of all) {
    world.addNode(name);
    world.addRunningVm(`vm-${name}`, name);
  }
  world.step();
});

describe('a flapping node', () => {
  it('N20: is quarantined with its fifth loss: it keeps its VMs and gets no new ones', () => {
    for (let count = 0; count < 4; count += 1) flap('n1');
    expect(world.node(n1).phase).toBe('online');
    flap('n1');
    expect(world.node(n1).phase).toBe('quarantined');
    expect(world.vm(vmOf('vm-n1')).permit?.node).toBe('n1');
    const vm = world.addVm('new', { home: n1 });
    pass(1000, all);
    expect(world.vm(vm).permit?.node).not.toBe('n1');
    expect(world.vm(vm).permit).not.toBeNull();
    expect(findingsOf(world, world.observe()).map((one) => one.code)).toContain('NODE_QUARANTINED');
    expect(explainNode(world.node(n1), world, world.observe()).try).toContain(
      'kennel node unquarantine n1',
    );
  });

  it('N20: leaves after a quiet time, and not before', () => {
    for (let count = 0; count < 5; count += 1) flap('n1');
    pass(defaultGuards.quietMs - 10_000, all, 1000);
    expect(world.node(n1).phase).toBe('quarantined');
    pass(20_000, all, 1000);
    expect(world.node(n1)).toMatchObject({ phase: 'online', flaps: 0 });
  });

  it('N20: leaves when a person says so', () => {
    for (let count = 0; count < 5; count += 1) flap('n1');
    const draft = openDraft(world, world.observe());
    expect(unquarantine(draft, world.node(n1)).kind).toBe('ok');
    world.commit(draft.finish({ commands: [], fences: [] }));
    expect(world.node(n1)).toMatchObject({ phase: 'online', flaps: 0 });
  });

  it('N20: losses that lie far apart never add up', () => {
    for (let count = 0; count < 12; count += 1) {
      flap('n1');
      pass(defaultGuards.flapWindowMs / defaultGuards.flapLimit + 10_000, all, 1000);
    }
    expect(world.node(n1).phase).toBe('online');
  });

  it('N20: one that is fenced in between comes back into quarantine', () => {
    for (let count = 0; count < 4; count += 1) flap('n1');
    pass(4000, all.slice(1));
    world.nowMs += 100;
    world.connect('n1', incarnationOf('n1', 2));
    world.beat('n2', 'n3', 'n4');
    world.settle();
    expect(world.node(n1)).toMatchObject({ phase: 'quarantined' });
  });

  it('N10: an agent in a crash loop quarantines its node, and its VMs are left alone', () => {
    const vm = vmOf('vm-n1');
    for (let start = 2; start < 8; start += 1) {
      world.nowMs += 500;
      world.beat('n2', 'n3', 'n4');
      world.connect('n1', incarnationOf('n1', 1, start), [world.domain(vm)]);
      world.settle();
    }
    expect(world.node(n1).phase).toBe('quarantined');
    expect(world.vm(vm)).toMatchObject({ phase: 'running' });
    expect(world.fences.size).toBe(0);
  });

  it('W8: a link that flaps for a second at a time fences nobody; if it lasts, quarantine', () => {
    for (let count = 0; count < defaultGuards.gapLimit; count += 1) {
      pass(1500, all.slice(1));
      world.gap('n1');
      pass(1000, all);
    }
    expect(world.fences.size).toBe(0);
    expect(world.node(n1).phase).toBe('quarantined');
  });

  it('W8: gaps of most nodes are gaps of the manager: nobody is quarantined', () => {
    for (let count = 0; count < 2 * defaultGuards.gapLimit; count += 1) {
      pass(1500, []);
      world.gap('n1', 'n2', 'n3', 'n4');
      pass(1000, all);
    }
    expect([...world.nodes.values()].map((node) => node.phase)).not.toContain('quarantined');
  });

  it('never more than half of the nodes: something must take VMs', () => {
    for (const name of ['n1', 'n2', 'n3']) for (let count = 0; count < 5; count += 1) flap(name);
    pass(2000, all);
    const phases = [...world.nodes.values()].map((node) => node.phase);
    expect(phases.filter((phase) => phase === 'quarantined')).toHaveLength(2);
  });
});

describe('a node that holds nothing', () => {
  it('is not fenced when it falls silent, whatever lease it had', () => {
    const bare = new TestWorld();
    for (const name of all) bare.addNode(name);
    bare.nowMs += 5000;
    bare.beat('n2', 'n3', 'n4');
    bare.settle();
    expect(bare.fences.size).toBe(0);
    expect(bare.events).toContain('NODE_LOST');
  });
});
