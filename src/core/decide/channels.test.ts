import { beforeEach, describe, expect, it } from 'vitest';
import { bootId, managerId, nodeId } from '../model/ids.ts';
import { findingsOf } from '../explain/findings.ts';
import { explainFence } from '../explain/awaiting.ts';
import { fenceNode } from '../request/node.ts';
import { openDraft } from './draft.ts';
import { TestWorld } from '../testing/world.ts';

const n1 = nodeId('n1');
let world: TestWorld;

/** Time passes: `beats` are heard by the manager, `sees` tell that they had an answer of n1. */
function pass(ms: number, heard: readonly string[], sees: readonly string[]): void {
  for (let passed = 0; passed < ms; passed += 500) {
    world.nowMs += 500;
    world.beat(...heard);
    for (const name of heard) world.sighted(name, 'n1', sees.includes(name));
    world.settle();
    for (const fence of world.fences.values()) world.execution(fence.id, { wantsToAct: true });
    world.settle();
  }
}

beforeEach(() => {
  world = new TestWorld();
  for (const name of ['n1', 'n2', 'n3', 'n4', 'n5']) world.addNode(name);
  world.addRunningVm('db', 'n1');
  pass(1000, ['n1', 'n2', 'n3', 'n4', 'n5'], ['n2', 'n3']);
});

describe('a second channel must be lost too', () => {
  it('W1 W14: a node that its peers see and that only lost the managers is blocked, with evidence and a way out', () => {
    pass(20_000, ['n2', 'n3', 'n4', 'n5'], ['n3']);
    const fence = world.onlyFence();
    expect(fence.phase).toBe('intent');
    expect(world.node(n1).phase).toBe('blocked');
    const why = explainFence(fence, world, world.observe());
    expect(why.facts.join()).toContain('n3 had an answer of it');
    expect(why.try).toContain('kennel node fence n1 --override --reason "..."');
    const [finding] = findingsOf(world, world.observe()).filter((one) => one.subject === 'n1');
    expect(finding?.code).toBe('FENCE_BLOCKED');
  });

  it('W1: it is fenced once its peers have lost it as well', () => {
    pass(20_000, ['n2', 'n3', 'n4', 'n5'], ['n3']);
    pass(3000, ['n2', 'n3', 'n4', 'n5'], []);
    expect(world.onlyFence().phase).toBe('acting');
  });

  it('a node that died is fenced no later for its peers', () => {
    pass(4000, ['n2', 'n3', 'n4', 'n5'], []);
    expect(world.onlyFence().phase).toBe('acting');
  });

  it('W4: what a suspect says of another node counts for nothing', () => {
    pass(2000, ['n2', 'n3', 'n4', 'n5'], ['n3']);
    // n3 falls silent too, and goes on telling that it sees n1.
    for (let count = 0; count < 8; count += 1) {
      world.nowMs += 500;
      world.beat('n2', 'n4', 'n5');
      world.sighted('n3', 'n1', true);
      world.sighted('n2', 'n1', false);
      world.settle();
      for (const fence of world.fences.values()) world.execution(fence.id, { wantsToAct: true });
      world.settle();
    }
    expect([...world.fences.values()].find((fence) => fence.node === n1)?.phase).toBe('acting');
  });

  it('what a node says of itself keeps it from nothing', () => {
    for (let count = 0; count < 10; count += 1) {
      world.nowMs += 500;
      world.beat('n2', 'n3', 'n4', 'n5');
      world.sighted('n1', 'n1', true);
      for (const name of ['n2', 'n3']) world.sighted(name, 'n1', false);
      world.settle();
      for (const fence of world.fences.values()) world.execution(fence.id, { wantsToAct: true });
      world.settle();
    }
    expect(world.onlyFence().phase).toBe('acting');
  });

  it('where no probe ever passed the session is the only channel', () => {
    world.peers.clear();
    for (let count = 0; count < 10; count += 1) {
      world.nowMs += 500;
      world.beat('n2', 'n3', 'n4', 'n5');
      world.settle();
      for (const fence of world.fences.values()) world.execution(fence.id, { wantsToAct: true });
      world.settle();
    }
    expect(world.onlyFence().phase).toBe('acting');
  });

  it('a person may override it', () => {
    pass(10_000, ['n2', 'n3', 'n4', 'n5'], ['n2']);
    const draft = openDraft(world, world.observe());
    fenceNode(draft, world.node(n1), { actor: 'a', reason: 'r', override: true });
    world.commit(draft.finish({ commands: [], fences: [] }));
    world.settle();
    expect(world.onlyFence().phase).toBe('acting');
  });
});

describe('a BMC that says Off while peers see the node', () => {
  const off = (): void => {
    for (let count = 0; count < 5; count += 1) {
      world.nowMs += 1000;
      world.beat('n2', 'n3', 'n4', 'n5');
      world.sighted('n3', 'n1', true);
      world.settle();
      world.read(world.onlyFence().id, 'n1/bmc', 'off');
      world.settle();
    }
  };

  it('B7: is no proof', () => {
    pass(4000, ['n2', 'n3', 'n4', 'n5'], ['n3']);
    off();
    expect(world.onlyFence().proof).toBeNull();
  });

  it('B7: a proof is revoked when a peer has an answer of that boot afterwards', () => {
    pass(4000, ['n2', 'n3', 'n4', 'n5'], []);
    for (let count = 0; count < 4; count += 1) {
      world.nowMs += 1000;
      world.beat('n2', 'n3', 'n4', 'n5');
      world.read(world.onlyFence().id, 'n1/bmc', 'off');
      world.step();
    }
    expect(world.onlyFence().proof?.kind).toBe('powerOff');
    world.nowMs += 1000;
    world.beat('n2', 'n3', 'n4', 'n5');
    world.sighted('n2', 'n1', true);
    world.settle();
    expect(world.events).toContain('BMC_LIED');
    expect(world.onlyFence().distrusted).toEqual(['n1/bmc']);
  });

  it('another boot of it that answers is no sign of life of this one', () => {
    pass(4000, ['n2', 'n3', 'n4', 'n5'], []);
    for (let count = 0; count < 4; count += 1) {
      world.nowMs += 1000;
      world.beat('n2', 'n3', 'n4', 'n5');
      world.sighted('n2', 'n1', true, bootId('n1-boot2'));
      world.read(world.onlyFence().id, 'n1/bmc', 'off');
      world.step();
    }
    expect(world.onlyFence().proof?.kind).toBe('powerOff');
  });
});

describe('another manager that hears the node', () => {
  /** m2 told now that it had a heartbeat of this boot so long ago. */
  const m2Hears = (boot: string, ageMs: number): void => {
    const sight = { bootId: bootId(boot), atMs: world.nowMs - ageMs };
    const sights = new Map([[managerId('m2'), new Map([[n1, sight]])]]);
    world.managersHeard = { others: 1, heard: 1, sights };
  };
  const boot = 'n1-boot1';
  const others = ['n2', 'n3', 'n4', 'n5'];

  it('W16: keeps it from being powered off, and is named', () => {
    for (let count = 0; count < 20; count += 1) {
      m2Hears(boot, 600);
      pass(500, others, []);
    }
    expect(world.onlyFence().phase).toBe('intent');
    const why = explainFence(world.onlyFence(), world, world.observe());
    expect(why.facts.join()).toContain('m2 had an answer of it');
  });

  it('does so no longer than the window, nor for another boot', () => {
    m2Hears(boot, 0);
    pass(5000, others, []);
    expect(world.onlyFence().phase).toBe('acting');
  });

  it('says nothing of a boot that it does not hear', () => {
    for (let count = 0; count < 10; count += 1) {
      m2Hears('n1-boot2', 0);
      pass(500, others, []);
    }
    expect(world.onlyFence().phase).toBe('acting');
  });
});

describe('the leader looks at itself', () => {
  it('one that hears few of all nodes and few of the other managers does not fence', () => {
    world.managersHeard = { others: 4, heard: 1, sights: new Map() };
    world.settings = { ...world.settings, maxLostShare: 1 };
    pass(5000, ['n2'], []);
    for (const fence of world.fences.values()) expect(fence.phase).toBe('intent');
    const why = explainFence(world.onlyFence(), world, world.observe());
    expect(why.facts.join()).toContain('it is the isolated side');
  });

  it('few managers alone keep it from nothing: nodes are heard', () => {
    world.managersHeard = { others: 4, heard: 1, sights: new Map() };
    pass(5000, ['n2', 'n3', 'n4', 'n5'], []);
    expect(world.onlyFence().phase).toBe('acting');
  });
});

describe('two nodes', () => {
  const manager = (name: string, host: string) => ({
    kind: 'manager' as const,
    id: managerId(name),
    number: 1,
    api: `${host}:7400`,
    sessions: `${host}:7401`,
    certificateFingerprint: 'f',
    role: 'voter' as const,
    isWitness: false,
    replaces: null,
    joinedAt: '',
  });

  beforeEach(() => {
    world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
    world.addRunningVm('db', 'n1');
    world.managers.set(managerId('m1'), manager('m1', 'n2'));
  });

  it('W15 W16: without a manager on a third machine automatic fencing is refused, and said so beforehand', () => {
    expect(findingsOf(world, world.observe()).map((one) => one.code)).toContain(
      'TWO_NODE_NO_WITNESS',
    );
    pass(10_000, ['n2'], []);
    expect(world.onlyFence().phase).toBe('intent');
    expect(world.node(n1).phase).toBe('blocked');
  });

  it('W16: with one it fences the node that is not seen', () => {
    world.managers.set(managerId('m2'), manager('m2', 'n1'));
    world.managers.set(managerId('m3'), manager('m3', 'small'));
    pass(10_000, ['n2'], []);
    expect(world.onlyFence().phase).toBe('acting');
  });

  it('W16: an override goes through', () => {
    pass(5000, ['n2'], []);
    const draft = openDraft(world, world.observe());
    fenceNode(draft, world.node(n1), { actor: 'a', reason: 'r', override: true });
    world.commit(draft.finish({ commands: [], fences: [] }));
    world.settle();
    expect(world.onlyFence().phase).toBe('acting');
  });
});
