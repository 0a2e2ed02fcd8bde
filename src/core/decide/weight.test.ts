import { describe, expect, it } from 'vitest';
import { nodeId } from '../model/ids.ts';
import type { Plan } from '../plan.ts';
import { incarnationOf, TestWorld } from '../testing/world.ts';

const names = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** What the stores refuse; the leader adds its guards, the chain and the barrier. */
function exceeds({ changes, events }: Plan): boolean {
  const parts = changes.length * 2 + events.length * 2 + 8;
  return parts > 1024 || JSON.stringify([changes, events]).length > 500 * 1024;
}

/** Decides until nothing changes; how many decisions that took. */
function settle(world: TestWorld): number {
  for (let round = 1; round < 50; round += 1) {
    const plan = world.step();
    expect(exceeds(plan)).toBe(false);
    if (plan.changes.length === 0) return round;
  }
  throw new Error('decisions do not come to rest');
}

describe('one decision is never more than a store takes at once', () => {
  it('M12: 500 agents join at once', () => {
    const world = new TestWorld();
    for (const name of names('n', 500)) {
      world.addNode(name, { phase: 'joining', incarnation: null });
      world.incarnationSince.set(nodeId(name), { incarnation: null, ms: 0 });
    }
    expect(settle(world)).toBeGreaterThan(2);
    expect([...world.nodes.values()].every(({ phase }) => phase === 'online')).toBe(true);
  });

  it('M12: 500 agents restart at once, with two VMs each', () => {
    const world = new TestWorld();
    for (const name of names('n', 500)) {
      world.addNode(name);
      world.addRunningVm(`${name}a`, name);
      world.addRunningVm(`${name}b`, name);
    }
    for (const name of names('n', 500)) {
      const domains = [...(world.seen.get(nodeId(name))?.report?.domains?.values() ?? [])];
      world.connect(name, incarnationOf(name, 1, 2), domains);
    }
    world.nowMs += 100;
    world.beat(...names('n', 500));
    settle(world);
    const permits = [...world.vms.values()].map(({ permit }) => permit?.incarnation);
    expect(permits.every((incarnation) => incarnation?.endsWith('.2'))).toBe(true);
  });

  it('an agent with 400 VMs restarts while others do', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2', 'n3']) {
      world.addNode(name, { capacity: { memoryMiB: 1_000_000, vcpus: 1000 } });
    }
    for (const name of names('v', 400)) world.addRunningVm(name, 'n3');
    for (const name of ['n1', 'n2', 'n3']) {
      const domains = [...(world.seen.get(nodeId(name))?.report?.domains?.values() ?? [])];
      world.connect(name, incarnationOf(name, 1, 2), domains);
    }
    world.nowMs += 100;
    world.beat('n1', 'n2', 'n3');
    settle(world);
    expect(world.node(nodeId('n3')).incarnation?.id).toBe('n3-boot1.2');
    expect(new Set([...world.vms.values()].map(({ phase }) => phase))).toEqual(
      new Set(['running']),
    );
  });

  it('V17: 1000 VMs are reported running at once', () => {
    const world = new TestWorld();
    world.addNode('n1');
    const vms = names('v', 1000).map((name) =>
      world.addRunningVm(name, 'n1', { phase: 'starting' }),
    );
    settle(world);
    expect(vms.every((id) => world.vm(id).phase === 'running')).toBe(true);
  });
});
