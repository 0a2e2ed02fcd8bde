import { beforeEach, describe, expect, it } from 'vitest';
import { nodeId, operationId, token, type VmId } from '../model/ids.ts';
import type { VmDesired } from '../model/vm.ts';
import { setDesired } from '../request/vm.ts';
import { incarnationOf, specOf, TestWorld } from '../testing/world.ts';
import { openDraft } from './draft.ts';

let world: TestWorld;

beforeEach(() => {
  world = new TestWorld();
  for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
});

const others = (down: string): readonly string[] =>
  ['n1', 'n2', 'n3'].filter((name) => name !== down);

/** The node falls silent and its BMC reads Off until that is a proof. */
function die(name: string): void {
  world.nowMs += 10_000;
  world.beat(...others(name));
  world.settle();
  for (const fence of world.fences.values()) {
    if (fence.node !== nodeId(name) || fence.proof !== null) continue;
    for (let round = 0; round < 6; round += 1) {
      world.nowMs += 600;
      world.beat(...others(name));
      world.read(fence.id, `${name}/bmc`, 'off');
      world.settle();
    }
  }
}

function desire(id: VmId, desired: VmDesired): void {
  const draft = openDraft(world, world.observe());
  setDesired(draft, world.vm(id), desired, { force: false });
  world.commit(draft.finish({ commands: [], fences: [] }));
}

const commandKinds = (): readonly string[] =>
  world.settle().flatMap((plan) => plan.commands.map(({ command }) => command.kind));

describe('a VM that is off', () => {
  it('stopped: its home is proven dead for it, and it gets another home', () => {
    const db = world.addVm('db', { desired: 'stopped', home: nodeId('n1') });
    die('n1');
    expect(world.node(nodeId('n1')).phase).toBe('fenced');
    expect(world.vm(db)).toMatchObject({ phase: 'stopped', permit: null, home: 'n2' });
    expect([...world.failovers.values()]).toMatchObject([
      { outcome: 'completed', vms: [{ from: 'n1', to: 'n2', startedAt: null }] },
    ]);
  });

  it('stopped: has no home when no other node may take it, and the failover ends all the same', () => {
    const spec = specOf('db', { nodes: [nodeId('n1')] });
    const db = world.addVm('db', { desired: 'stopped', home: nodeId('n1'), spec });
    die('n1');
    expect(world.vm(db).home).toBeNull();
    expect([...world.failovers.values()]).toMatchObject([{ outcome: 'completed' }]);
  });

  it.each(['disabled', 'ignored'] as const)('%s: nobody is fenced for it', (desired) => {
    const db = world.addVm('db', { desired, home: nodeId('n1') });
    die('n1');
    expect(world.fences.size).toBe(0);
    expect(world.vm(db)).toMatchObject({ desired, home: 'n1' });
  });

  it('starts at home when its home can take it, and elsewhere when not', () => {
    const db = world.addVm('db', { home: nodeId('n3') });
    const web = world.addVm('web', { home: nodeId('n2') });
    world.nodes.set(nodeId('n2'), { ...world.node(nodeId('n2')), cordoned: true });
    world.settle();
    expect(world.vm(db).permit?.node).toBe('n3');
    expect(world.vm(web).permit?.node).toBe('n1');
  });

  it('N19: waits for its home while a leader is new, and no longer', () => {
    const db = world.addVm('db', { home: nodeId('n3') });
    world.observingSinceMs = world.nowMs;
    world.seen.delete(nodeId('n3'));
    world.nodes.set(nodeId('n3'), {
      ...world.node(nodeId('n3')),
      phase: 'joining',
      incarnation: null,
    });
    world.nowMs += 30_000;
    world.beat('n1', 'n2');
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'stopped' });
    expect(world.vm(db).reason).toContain('waits for n3');
    world.nowMs += 30_000;
    world.beat('n1', 'n2');
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'starting', permit: { node: 'n1' } });
  });
});

describe('a VM whose desired state changes while its node is lost', () => {
  it('disabled in the middle of a recovery: it ends off, and the failover ends', () => {
    const spec = specOf('db', { nodes: [nodeId('n1')] });
    const db = world.addRunningVm('db', 'n1', { spec });
    die('n1');
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { node: 'n1' } });
    desire(db, 'disabled');
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'stopped', permit: null });
    expect([...world.failovers.values()]).toMatchObject([{ outcome: 'completed' }]);
  });

  it('ignored in the middle of a recovery: it keeps its dead owner, and the failover ends', () => {
    const spec = specOf('db', { nodes: [nodeId('n1')] });
    const db = world.addRunningVm('db', 'n1', { spec });
    die('n1');
    desire(db, 'ignored');
    world.settle();
    expect(world.vm(db)).toMatchObject({ desired: 'ignored', permit: { node: 'n1', token: 1 } });
    expect([...world.failovers.values()]).toMatchObject([{ outcome: 'completed' }]);
    desire(db, 'running');
    world.vms.set(db, { ...world.vm(db), spec: specOf('db') });
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'recovering', permit: { node: 'n2', token: 2 } });
  });
});

describe('an ignored VM', () => {
  it('is not started, stopped, called back or given away', () => {
    const db = world.addRunningVm('db', 'n1', { desired: 'ignored' });
    world.report('n1', [world.domain(db, { active: false, state: 'shutOff', reason: 'shutdown' })]);
    world.report('n2', [world.domain(db, { permit: null })]);
    expect(commandKinds()).toEqual([]);
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { node: 'n1', token: 1 } });
  });

  it('N9: keeps its permit when its agent restarts', () => {
    const db = world.addRunningVm('db', 'n1', { desired: 'ignored' });
    world.connect('n1', incarnationOf('n1', 1, 2), [world.domain(db)]);
    expect(commandKinds()).toEqual(['permit']);
    expect(world.vm(db).permit).toMatchObject({ incarnation: 'n1-boot1.2', token: 2 });
  });

  it('is taken over where it runs once its last owner has released it', () => {
    const db = world.addRunningVm('db', 'n1', { desired: 'ignored' });
    const moved = world.domain(db);
    world.report('n1', []);
    world.report('n2', [moved]);
    desire(db, 'running');
    expect(commandKinds()).toEqual(['release']);
    expect(world.vm(db)).toMatchObject({ phase: 'stopping', permit: { node: 'n1' } });
    world.outcome(operationId(`release/${db}/1/now`), { kind: 'done' });
    expect(commandKinds()).toEqual(['permit']);
    expect(world.vm(db)).toMatchObject({
      phase: 'running',
      permit: { node: 'n2', token: 2 },
      operation: { kind: 'permit', previousToken: 1 },
    });
    world.report('n2', [world.domain(db)]);
    world.settle();
    expect(world.vm(db)).toMatchObject({ operation: null, adopting: false });
  });

  it('I2: is given up by its owner before it is started anew: an earlier start may be on its way', () => {
    const db = world.addVm('db');
    expect(commandKinds()).toEqual(['start']);
    const owner = world.vm(db).permit?.node;
    desire(db, 'ignored');
    desire(db, 'running');
    expect(commandKinds()).toEqual(['release']);
    expect(world.vm(db)).toMatchObject({ phase: 'stopping', permit: { node: owner, token: 1 } });
    world.outcome(operationId(`release/${db}/1/now`), { kind: 'done' });
    expect(commandKinds()).toEqual(['start']);
    expect(world.vm(db)).toMatchObject({ permit: { token: 2 } });
  });

  it('N9: is still given up by its owner when the agent restarts before the answer', () => {
    const db = world.addRunningVm('db', 'n1', { desired: 'ignored' });
    world.report('n1', []);
    desire(db, 'running');
    expect(commandKinds()).toEqual(['release']);
    world.connect('n1', incarnationOf('n1', 1, 2), []);
    expect(commandKinds()).toEqual(['release']);
    expect(world.vm(db)).toMatchObject({ phase: 'stopping', permit: { token: 2 } });
  });

  it('is not taken over while its last owner can neither release it nor is proven dead', () => {
    const db = world.addRunningVm('db', 'n1', { desired: 'ignored' });
    world.report('n2', [world.domain(db)]);
    world.nowMs += 10_000;
    world.beat('n2', 'n3');
    desire(db, 'running');
    world.settle();
    expect(world.vm(db).permit?.node).toBe('n1');
    expect(world.node(nodeId('n1')).phase).toBe('fencing');
  });

  it('is not started before every node that may run it has said that it does not', () => {
    const db = world.addVm('db', { desired: 'ignored' });
    desire(db, 'running');
    world.report('n3', null);
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'stopped' });
    expect(world.vm(db).reason).toContain('n3 may run it');
    world.report('n3', []);
    world.settle();
    expect(world.vm(db).phase).toBe('starting');
  });

  it('that runs on two nodes is left alone, and says so', () => {
    const db = world.addVm('db', { desired: 'ignored' });
    world.report('n1', [world.domain(db)]);
    world.report('n2', [world.domain(db)]);
    desire(db, 'running');
    expect(commandKinds()).toEqual([]);
    expect(world.vm(db).reason).toContain('runs on n1, n2');
  });

  it('V15: is stopped where it runs by hand once it is to be stopped', () => {
    const db = world.addVm('db', { desired: 'ignored', lastToken: token(3) });
    world.report('n2', [world.domain(db)]);
    desire(db, 'stopped');
    expect(commandKinds()).toEqual(['release']);
  });
});

describe('a VM whose owner cannot stop it', () => {
  it('keeps its permit, becomes failed, and is released as soon as that works', () => {
    const db = world.addRunningVm('db', 'n1');
    desire(db, 'disabled');
    world.settle();
    const release = operationId(`release/${db}/1/grace`);
    world.outcome(release, { kind: 'ambiguous', detail: 'not gone for certain' });
    world.settle();
    expect(world.vm(db).phase).toBe('stopping');
    world.nowMs += 121_000;
    world.beat('n1', 'n2', 'n3');
    world.outcome(release, { kind: 'ambiguous', detail: 'not gone for certain' });
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'failed', permit: { node: 'n1', token: 1 } });
    expect(world.vm(db).reason).toContain('cannot be stopped');
    world.nowMs += 2000;
    world.beat('n1', 'n2', 'n3');
    expect(commandKinds()).toEqual(['release']);
    world.outcome(release, { kind: 'done' });
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'stopped', permit: null });
  });
});
