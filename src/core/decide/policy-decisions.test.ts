import { beforeEach, describe, expect, it } from 'vitest';
import { nodeId, type VmId } from '../model/ids.ts';
import type { PlacementPolicy } from '../model/placement-policy.ts';
import type { VmRecord } from '../model/vm.ts';
import { planBalance } from '../placement/balance.ts';
import { specOf, TestWorld } from '../testing/world.ts';
import { openDraft } from './draft.ts';
import { snapshotOf } from './site-of.ts';
import { onNodes, together } from '../placement/testing/sites.ts';

const nodes = ['n1', 'n2', 'n3'] as const;
let world: TestWorld;

beforeEach(() => {
  world = new TestWorld();
  for (const name of nodes) world.addNode(name);
});

/** A VM that this manager has seen to run since now. */
function runs(name: string, node: string, change: Partial<VmRecord> = {}): VmId {
  const vm = world.addRunningVm(name, node, change);
  world.vmPhaseSinceMs.set(vm, world.nowMs);
  return vm;
}

/** Time passes in which nothing happens, and one decision is made. */
function wait(ms: number): void {
  world.nowMs += ms;
  world.beat(...nodes);
  world.step();
}

function policy(change: Partial<PlacementPolicy>): void {
  world.settings = { ...world.settings, placement: { ...world.settings.placement, ...change } };
}

const goesTo = (vm: VmId): string | undefined => world.vm(vm).move?.migration?.target.node;

describe('a running VM that breaks a strict rule', () => {
  let vm: VmId;

  beforeEach(() => {
    vm = runs('a', 'n1');
    world.rules.set('r', onNodes('r', ['a'], { n2: 0 }));
  });

  it('is migrated once it has been there for a while, and the event says why', () => {
    wait(10_000);
    expect(world.vm(vm).move).toBeNull();
    wait(40_000);
    expect(world.vm(vm)).toMatchObject({ phase: 'migrating', move: { cause: 'rule' } });
    expect(goesTo(vm)).toBe('n2');
    expect(world.events).toContain('VM_MOVE_BY_POLICY');
  });

  it.each(['freeze', 'ignore'] as const)('stays while the cluster is disarmed (%s)', (mode) => {
    const disarmed = { mode, since: 'now', until: null, by: null, reason: null };
    world.arming = { kind: 'arming', disarmed };
    wait(60_000);
    expect(world.vm(vm).move).toBeNull();
  });

  it('stays where rules are not enforced, and where it says that it is not to be moved', () => {
    policy({ enforcement: 'off' });
    wait(60_000);
    expect(world.vm(vm).move).toBeNull();
    policy({ enforcement: 'automatic' });
    const selfMoves = { way: 'never', failback: true } as const;
    const record = world.vm(vm);
    world.vms.set(vm, { ...record, spec: { ...record.spec, selfMoves } });
    wait(60_000);
    expect(world.vm(vm).move).toBeNull();
  });

  it('is not sent where there is no room for it', () => {
    runs('big', 'n2', { spec: specOf('big', { memoryMiB: 950 }) });
    wait(60_000);
    expect(world.vm(vm).move).toBeNull();
  });

  it('waits the longer the more of its moves did not work out', () => {
    world.vms.set(vm, { ...world.vm(vm), moveFailures: 3 });
    wait(200_000);
    expect(world.vm(vm).move).toBeNull();
    wait(100_000);
    expect(goesTo(vm)).toBe('n2');
  });

  it('is shut down for it only where its owner lets it be', () => {
    const record = world.vm(vm);
    const selfMoves = { way: 'cold', failback: true } as const;
    world.vms.set(vm, { ...record, spec: { ...record.spec, selfMoves } });
    wait(60_000);
    expect(world.vm(vm)).toMatchObject({ phase: 'stopping', home: 'n2' });
  });
});

describe('a VM whose preferred node is there', () => {
  it('goes back once the node has been there for a while, if the rule and the VM say so', () => {
    const vm = runs('a', 'n1');
    const stays = runs('b', 'n1', {
      spec: specOf('b', { selfMoves: { way: 'live', failback: false } }),
    });
    world.rules.set('r', { ...onNodes('r', ['a', 'b'], { n2: 1, n1: 0 }), strict: false });
    wait(60_000);
    expect(goesTo(vm)).toBe('n2');
    expect(world.vm(stays).move).toBeNull();
  });

  it('stays when the node came back a moment ago', () => {
    const vm = runs('a', 'n1');
    world.rules.set('r', { ...onNodes('r', ['a'], { n2: 1, n1: 0 }), strict: false });
    world.nowMs += 60_000;
    const id = nodeId('n2');
    const incarnation = world.node(id).incarnation?.id ?? null;
    world.incarnationSince.set(id, { incarnation, ms: world.nowMs });
    wait(10_000);
    expect(world.vm(vm).move).toBeNull();
    wait(30_000);
    expect(goesTo(vm)).toBe('n2');
  });
});

describe('VMs that share a node', () => {
  it('leave it together when a rule wants them elsewhere', () => {
    const vms = ['a', 'b', 'c'].map((name) => runs(name, 'n1'));
    world.rules.set('t', together('t', ['a', 'b', 'c']));
    world.rules.set('r', onNodes('r', ['a'], { n3: 0 }));
    wait(60_000);
    expect(vms.map((vm) => world.vm(vm).move?.to)).toEqual(['n3', 'n3', 'n3']);
  });

  it('follow one whose starts were given up where they are', () => {
    const [a, b] = ['a', 'b'].map((name) => runs(name, 'n1'));
    const tries = { failures: 3, here: 0, nodes: [nodeId('n1')] };
    const vm = world.addVm('c', { tries, home: nodeId('n1') });
    world.rules.set('t', together('t', ['a', 'b', 'c']));
    wait(60_000);
    const there = world.vm(vm).permit?.node;
    expect(there).not.toBe('n1');
    expect([a, b].map((one) => one && world.vm(one).move?.to)).toEqual([there, there]);
  });
});

describe('uneven load', () => {
  it('is mended only in mode automatic, when it lasted, and by few moves at once', () => {
    const vms = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => runs(name, 'n1'));
    const moving = (): number => vms.filter((vm) => world.vm(vm).move !== null).length;
    const { balance } = world.settings.placement;
    world.placement = { isDue: true, isUneven: true };
    policy({ balance: { ...balance, mode: 'suggest' } });
    wait(60_000);
    expect(moving()).toBe(0);
    policy({ balance: { ...balance, mode: 'automatic' } });
    world.placement = { isDue: true, isUneven: false };
    wait(1000);
    expect(moving()).toBe(0);
    world.placement = { isDue: true, isUneven: true };
    wait(1000);
    expect(moving()).toBe(2);
    wait(1000);
    expect(moving()).toBe(2);
  });
});

describe('uneven load', () => {
  const even = (): void =>
    policy({
      balance: {
        mode: 'automatic',
        threshold: 0.1,
        holdRounds: 1,
        minRelativeGain: 0.1,
        maxMoves: 4,
      },
    });

  beforeEach(() => {
    world.placement = { isDue: true, isUneven: true };
    even();
  });

  it('moves a VM live, by the plan that kennel plan balance shows', () => {
    for (const name of ['a', 'b', 'c']) runs(name, 'n1');
    const { moves } = planBalance(snapshotOf(openDraft(world, world.observe())));
    expect(moves).toEqual([]);
    world.nowMs += 60_000;
    world.beat(...nodes);
    const plan = planBalance(snapshotOf(openDraft(world, world.observe()))).moves;
    world.step();
    world.step();
    const [first] = plan;
    if (first === undefined) throw new Error('nothing is planned');
    expect(world.vm(first.vm.id).move).toMatchObject({ cause: 'balance', to: first.to });
  });

  it('moves none that would be shut down for it, is locked, or goes back after maintenance', () => {
    runs('a', 'n1', { spec: specOf('a', { selfMoves: { way: 'cold', failback: true } }) });
    runs('b', 'n1', {
      lock: { kind: 'backup', by: 'x', at: 'now', reason: null, node: nodeId('n1') },
    });
    runs('c', 'n1', { away: { from: nodeId('n3'), way: 'live' } });
    const evacuation = {
      kind: 'maintenance',
      stuck: 'leave',
      since: 'now',
      deadline: null,
      by: null,
      reason: null,
    } as const;
    world.nodes.set(nodeId('n3'), { ...world.node(nodeId('n3')), evacuation });
    wait(60_000);
    wait(60_000);
    const moved = [...world.vms.values()].filter(({ move }) => move?.cause === 'balance');
    expect(moved).toEqual([]);
  });
});
