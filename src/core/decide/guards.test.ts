import { describe, expect, it } from 'vitest';
import { nodeId } from '../model/ids.ts';
import { TestWorld, incarnationOf } from '../testing/world.ts';

describe('guards before a device command', () => {
  it('W6: more than half of the nodes lost at once blocks all commands, and says so', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
    for (const name of ['n1', 'n2']) world.addRunningVm(`vm-${name}`, name);
    world.nowMs += 3000;
    world.beat('n3');
    world.settle();
    for (const fence of world.fences.values()) world.execution(fence.id, { wantsToAct: true });
    world.settle();
    expect([...world.fences.values()].map((fence) => fence.phase)).toEqual(['intent', 'intent']);
    expect(world.node(nodeId('n1')).phase).toBe('blocked');
    expect(world.events).toContain('FENCE_BLOCKED');
  });

  it('N18: a node that reads Off is proven although the storm guard blocks commands', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
    for (const name of ['n1', 'n2']) world.addRunningVm(`vm-${name}`, name);
    world.nowMs += 3000;
    world.beat('n3');
    world.settle();
    const [first] = world.fences.values();
    if (first === undefined) throw new Error('no fence');
    for (let count = 0; count < 3; count += 1) {
      world.nowMs += 1000;
      world.beat('n3');
      world.read(first.id, 'n1/bmc', 'off');
      world.settle();
    }
    expect(world.fences.get(first.id)?.proof?.kind).toBe('powerOff');
  });

  it('W6: nodes that are heard again are online as before, and nothing restarted', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
    const ids = ['n1', 'n2', 'n3'].map((name) => world.addRunningVm(`vm-${name}`, name));
    world.nowMs += 90_000;
    world.settle();
    world.nowMs += 10;
    world.beat('n1', 'n2', 'n3');
    world.settle();
    expect(ids.map((id) => world.vm(id).permit?.token)).toEqual([1, 1, 1]);
    expect([...world.nodes.values()].map((node) => node.phase)).toEqual([
      'online',
      'online',
      'online',
    ]);
  });

  it('W7: the end of a storm fences nobody who is about to be heard', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
    for (const name of ['n1', 'n2', 'n3']) world.addRunningVm(`vm-${name}`, name);
    world.nowMs += 90_000;
    world.settle();
    for (const fence of world.fences.values()) world.execution(fence.id, { wantsToAct: true });
    world.settle();
    for (const name of ['n1', 'n2']) {
      world.nowMs += 1000;
      world.beat(name);
      world.settle();
    }
    expect([...world.fences.values()].filter((fence) => fence.phase === 'acting')).toEqual([]);
    world.nowMs += 15_001;
    world.beat('n1', 'n2');
    world.settle();
    expect([...world.fences.values()].find((fence) => fence.node === nodeId('n3'))?.phase).toBe(
      'acting',
    );
  });

  it('N19: a node that is late after a site got its power back is not fenced while it boots', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
    for (const name of ['n1', 'n2', 'n3']) world.addRunningVm(`vm-${name}`, name);
    world.nowMs += 2000;
    for (const name of ['n1', 'n2']) world.connect(name, incarnationOf(name, 2));
    world.settle();
    const late = (): string | undefined =>
      [...world.fences.values()].find((fence) => fence.node === nodeId('n3'))?.phase;
    const pass = (ms: number): void => {
      world.nowMs += ms;
      world.beat('n1', 'n2');
      world.settle();
      for (const fence of world.fences.values()) {
        if (fence.node === nodeId('n3')) world.execution(fence.id, { wantsToAct: true });
      }
      world.settle();
    };
    for (let count = 0; count < 10; count += 1) pass(3000);
    expect(late()).toBe('intent');
    for (let count = 0; count < 15; count += 1) pass(3000);
    expect(late()).toBe('acting');
  });

  it('N5: a new leader that inherits an intent acts only after it has listened long enough', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
    world.addRunningVm('db', 'n1');
    world.nowMs += 3000;
    world.beat('n2', 'n3');
    world.settle();
    world.observingSinceMs = world.nowMs;
    world.seen.delete(nodeId('n1'));
    world.execution(world.onlyFence().id, { wantsToAct: true });
    world.settle();
    expect(world.onlyFence().phase).toBe('intent');
    world.nowMs += 6000;
    world.beat('n2', 'n3');
    world.settle();
    expect(world.onlyFence().phase).toBe('acting');
  });

  it('a node without a fence device is blocked, and says what would release it', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2', 'n3'])
      world.addNode(name, name === 'n1' ? { fenceTopology: [] } : {});
    world.addRunningVm('db', 'n1');
    world.nowMs += 3000;
    world.beat('n2', 'n3');
    world.settle();
    expect(world.node(nodeId('n1')).phase).toBe('blocked');
    expect(world.onlyFence().phase).toBe('intent');
  });
});
