import { describe, expect, it } from 'vitest';
import { nodeId } from '../model/ids.ts';
import { defaultPlacementPolicy } from '../model/placement-policy.ts';
import type { PlacementRule } from '../model/placement-rule.ts';
import type { VmSpec } from '../model/vm.ts';
import { balanceRound, planBalance } from './balance.ts';
import { planEnforcement } from './enforce.ts';
import { checkFailoverCapacity, explainCapacity } from './failover-capacity.ts';
import type { SiteSnapshot, SnapshotVm } from './snapshot.ts';
import { whatIfColdStart, whatIfEvacuated } from './what-if.ts';
import { apart, nodeOf, onNodes, together, vmOf } from './testing/sites.ts';

const running = (name: string, node: string | null, spec: Partial<VmSpec> = {}): SnapshotVm => ({
  ...vmOf(name, spec, { home: node === null ? null : nodeId(node) }),
  node: node === null ? null : nodeId(node),
  desired: 'running',
});

const snapshot = (
  vms: readonly SnapshotVm[],
  rules: readonly PlacementRule[] = [],
  nodes = ['n1', 'n2', 'n3'].map((name, index) =>
    nodeOf(name, 1000, { labels: { rack: index < 2 ? 'r1' : 'r2' } }),
  ),
): SiteSnapshot => ({ nodes, vms, rules, vcpuOvercommit: 8, policy: defaultPlacementPolicy });

const onePerNode = { failures: 1, by: null };

describe('failover capacity', () => {
  it('holds while every VM of any one node has another, and says with which room', () => {
    const site = snapshot(['n1', 'n2', 'n3'].map((node) => running(`on-${node}`, node)));
    const check = checkFailoverCapacity(site, onePerNode);
    expect(check).toMatchObject({ holds: true, cases: 3, skipped: 0 });
    expect(explainCapacity(check)).toBe(
      'with n1 lost, 1 VMs with 100 MiB go to nodes with 1800 MiB free: all have a node',
    );
  });

  it('is lost with the VM that would have no node, though the sum of free memory is enough', () => {
    const big = { memoryMiB: 600 };
    const site = snapshot([
      running('a', 'n1', big),
      running('b', 'n2', big),
      running('c', 'n3', big),
    ]);
    const check = checkFailoverCapacity(site, onePerNode);
    expect(check.holds).toBe(false);
    expect(explainCapacity(check)).toBe(
      'with n1 lost, 1 VMs with 600 MiB go to nodes with 800 MiB free: no node can take a',
    );
  });

  it('counts failure domains by a label', () => {
    const vms = [running('a', 'n1', { memoryMiB: 600 }), running('b', 'n2', { memoryMiB: 600 })];
    expect(checkFailoverCapacity(snapshot(vms), onePerNode).holds).toBe(true);
    const byRack = checkFailoverCapacity(snapshot(vms), { failures: 1, by: 'rack' });
    expect(byRack).toMatchObject({ holds: false, worst: { lost: ['r1'], homeless: ['b'] } });
  });

  it('counts strict rules: two VMs kept apart need two nodes', () => {
    const nodes = [nodeOf('n1', 1000), nodeOf('n2', 1000)];
    const vms = [running('a', 'n1'), running('b', 'n2')];
    expect(checkFailoverCapacity(snapshot(vms, [], nodes), onePerNode).holds).toBe(true);
    const ruled = snapshot(vms, [apart('ab', ['a', 'b'])], nodes);
    expect(checkFailoverCapacity(ruled, onePerNode).holds).toBe(false);
  });

  it('counts VMs that still wait for a node', () => {
    const big = { memoryMiB: 600 };
    const site = snapshot([
      running('a', 'n1', big),
      running('b', 'n2', big),
      running('c', null, big),
    ]);
    expect(checkFailoverCapacity(site, onePerNode).holds).toBe(false);
  });
});

describe('enforcement', () => {
  it('moves what breaks a strict rule, with the rule as reason, and leaves the rest', () => {
    const site = snapshot(
      [running('a', 'n1'), running('b', 'n1'), running('c', 'n2')],
      [apart('ab', ['a', 'b'])],
    );
    const { moves, stuck } = planEnforcement(site);
    expect(moves).toMatchObject([
      { from: 'n1', to: 'n3', because: 'rule ab keeps it apart from b' },
    ]);
    expect(moves[0]?.vm.spec.name).toBe('a');
    expect(stuck).toEqual([]);
  });

  it('takes a VM back to its preferred node, unless its rule says that it stays', () => {
    const prefers = onNodes('p', ['a'], { n2: 2, n3: 1 }, false);
    const site = (rule: PlacementRule) => planEnforcement(snapshot([running('a', 'n3')], [rule]));
    expect(site(prefers).moves).toMatchObject([{ from: 'n3', to: 'n2', because: 'p prefers n2' }]);
    expect(site({ ...prefers, failback: false }).moves).toEqual([]);
  });

  it('brings a group to where most of it is', () => {
    const site = snapshot(
      [running('a', 'n1'), running('b', 'n2'), running('c', 'n2')],
      [together('abc', ['a', 'b', 'c'])],
    );
    expect(planEnforcement(site).moves).toMatchObject([{ from: 'n1', to: 'n2' }]);
  });

  it('says of what cannot be mended why', () => {
    const nodes = [nodeOf('n1', 1000), nodeOf('n2', 1000, { closed: 'cordoned' })];
    const site = snapshot([running('a', 'n1')], [onNodes('p', ['a'], { n2: 0 })], nodes);
    const { moves, stuck } = planEnforcement(site);
    expect(moves).toEqual([]);
    expect(stuck[0]?.because).toContain('n2: cordoned');
  });
});

describe('balance', () => {
  const heavy = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => running(name, 'n1'));

  it('proposes few moves off the most loaded node, each of which helps', () => {
    const { imbalance, moves } = planBalance(snapshot(heavy));
    expect(imbalance.after).toBeLessThan(imbalance.before);
    expect(moves).toHaveLength(4);
    expect(moves.every((move) => move.from === 'n1' && move.to !== 'n1')).toBe(true);
    expect(new Set(moves.map((move) => move.vm.id)).size).toBe(4);
  });

  it('proposes nothing below the threshold', () => {
    const even = ['n1', 'n2', 'n3'].map((node) => running(`on-${node}`, node));
    expect(planBalance(snapshot(even)).moves).toEqual([]);
  });

  it('breaks no rule: a group moves as one, and what is bound stays', () => {
    const rules = [together('ab', ['a', 'b']), onNodes('c', ['c', 'd', 'e', 'f'], { n1: 0 })];
    const { moves } = planBalance(snapshot(heavy, rules));
    expect(moves.map((move) => move.vm.spec.name).sort()).toEqual(['a', 'b']);
    expect(new Set(moves.map((move) => move.to)).size).toBe(1);
  });

  it('is due only after enough looks in a row, and then begins to count anew', () => {
    const policy = { ...defaultPlacementPolicy.balance, mode: 'suggest' as const };
    const looks = [0.5, 0.5, 0.1, 0.5, 0.5, 0.5, 0.5];
    let memory = { above: 0 };
    const due = looks.map((imbalance) => {
      const step = balanceRound(memory, imbalance, policy);
      memory = step.memory;
      return step.isDue;
    });
    expect(due).toEqual([false, false, false, false, false, true, false]);
    const off = { ...policy, mode: 'off' as const };
    expect(balanceRound({ above: 9 }, 0.9, off)).toEqual({ memory: { above: 0 }, isDue: false });
  });
});

describe('what if', () => {
  it('an emptied node keeps its VMs counted elsewhere only', () => {
    const site = snapshot([running('a', 'n1'), running('b', 'n2')]);
    const { placed } = whatIfEvacuated(site, [nodeId('n1')]);
    expect(placed).toMatchObject([{ placement: { node: 'n3' } }]);
  });

  it('a cold start brings every VM home', () => {
    const site = snapshot([running('a', 'n1'), running('b', 'n1')]);
    const { placed } = whatIfColdStart(site);
    expect(placed.map((one) => one.placement)).toMatchObject([
      { node: 'n1', because: 'home' },
      { node: 'n1', because: 'home' },
    ]);
  });
});
