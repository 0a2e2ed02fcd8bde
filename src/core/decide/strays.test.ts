import { beforeEach, describe, expect, it } from 'vitest';
import { findingsOf } from '../explain/findings.ts';
import { nodeId, token, type VmId } from '../model/ids.ts';
import { incarnationOf, TestWorld } from '../testing/world.ts';

describe('V15: a VM that was started by hand on another node', () => {
  let world: TestWorld;
  let db: VmId;
  const n1 = nodeId('n1');

  beforeEach(() => {
    world = new TestWorld();
    for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
    db = world.addVm('db', { desired: 'stopped' });
  });

  const byHand = (node: string): void => {
    world.nowMs += 2000;
    world.beat('n1', 'n2', 'n3');
    world.report(node, [world.domain(db, { permit: null })]);
  };
  const silence = (ms: number): void => {
    world.nowMs += ms;
    world.beat('n2', 'n3');
  };
  const codes = (): readonly string[] =>
    findingsOf(world, world.observe()).map(({ code, severity }) => `${severity} ${code}`);

  it('is a critical line of the status, until it is gone', () => {
    byHand('n1');
    const plans = world.settle();
    expect(world.events).toEqual(['VM_STRAY']);
    expect(codes()).toContain('critical VM_STRAY');
    expect(plans.flatMap((plan) => plan.commands)).toMatchObject([
      { node: 'n1', command: { kind: 'release', vm: db } },
    ]);
    world.report('n1', []);
    world.settle();
    expect(codes()).not.toContain('critical VM_STRAY');
    expect(world.events).toEqual(['VM_STRAY']);
  });

  it('is a critical line also while its owner runs it', () => {
    const web = world.addRunningVm('web', 'n2');
    world.nowMs += 2000;
    world.beat('n1', 'n2', 'n3');
    world.report('n1', [world.domain(web, { permit: null })]);
    world.settle();
    expect(codes()).toContain('critical VM_STRAY');
    expect(world.vm(web).permit?.node).toBe('n2');
  });

  it('on a node that then falls silent is started elsewhere only when that node is proven dead', () => {
    byHand('n1');
    world.settle();
    world.vms.set(db, { ...world.vm(db), desired: 'running' });
    for (let count = 0; count < 4; count += 1) {
      silence(1000);
      world.settle();
    }
    expect(world.node(n1).phase).toBe('fencing');
    expect(world.vm(db)).toMatchObject({ phase: 'stopped', permit: null });
    for (let count = 0; count < 3; count += 1) {
      silence(1000);
      world.read(world.onlyFence().id, 'n1/bmc', 'off');
      world.settle();
    }
    expect(world.onlyFence().proof?.kind).toBe('powerOff');
    expect(world.vm(db)).toMatchObject({ phase: 'starting', strays: [] });
    expect(world.vm(db).permit?.node).not.toBe('n1');
  });

  it('is waited for also by a leader that never heard of it', () => {
    byHand('n1');
    world.settle();
    world.vms.set(db, { ...world.vm(db), desired: 'running' });
    world.seen.delete(n1);
    silence(1000);
    world.settle();
    expect(world.vm(db).phase).toBe('stopped');
  });

  it('holds nothing back once its node is back with another boot', () => {
    byHand('n1');
    world.settle();
    world.vms.set(db, { ...world.vm(db), desired: 'running' });
    silence(500);
    world.connect('n1', incarnationOf('n1', 2));
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'starting', strays: [] });
  });

  it('is not what an owner reports in the moment in which it gives the VM up', () => {
    const web = world.addRunningVm('web', 'n1');
    world.nowMs += 60_000;
    world.beat('n1', 'n2', 'n3');
    world.report('n1', [world.domain(web)]);
    world.vmPhaseSinceMs.set(web, world.nowMs);
    world.vms.set(web, { ...world.vm(web), phase: 'stopped', desired: 'stopped', permit: null });
    world.settle();
    expect(world.events).not.toContain('VM_STRAY');
  });
});

describe('what a node kept of a VM that was deleted while it was away', () => {
  const world = new TestWorld();
  world.addNode('n1');
  const db = world.addVm('db', { desired: 'stopped' });
  const permit = {
    vm: db,
    node: nodeId('n1'),
    incarnation: incarnationOf('n1').id,
    token: token(3),
  };
  const kept = world.domain(db, { permit, active: false, state: 'shutOff', reason: 'crashed' });

  it('is left alone while there is a record of the VM', () => {
    world.report('n1', [kept]);
    expect(world.settle().flatMap((plan) => plan.commands)).toEqual([]);
  });

  it('is undefined when it is off and carries a permit, and not when it runs or is a stranger', () => {
    world.vms.delete(db);
    world.counters = { ...world.counters, token: token(7) };
    world.report('n1', [{ ...kept, active: true }]);
    expect(world.settle().flatMap((plan) => plan.commands)).toEqual([]);
    world.report('n1', [{ ...kept, permit: null }]);
    expect(world.settle().flatMap((plan) => plan.commands)).toEqual([]);
    world.report('n1', [kept]);
    expect(world.settle().flatMap((plan) => plan.commands)).toMatchObject([
      { node: 'n1', command: { kind: 'release', vm: db, token: 7, graceMs: 0 } },
    ]);
  });
});
