import { beforeEach, describe, expect, it } from 'vitest';
import { nodeId, operationId, token } from '../model/ids.ts';
import { noTries } from '../model/vm.ts';
import { incarnationOf, TestWorld } from '../testing/world.ts';

describe('the life of a VM', () => {
  let world: TestWorld;

  beforeEach(() => {
    world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
  });

  const pass = (ms: number): void => {
    world.nowMs += ms;
    world.beat('n1', 'n2');
  };

  it('stopped and wanted: gets a permit first and the command in the decision after', () => {
    const db = world.addVm('db');
    expect(world.step().commands).toEqual([]);
    expect(world.vm(db)).toMatchObject({ phase: 'starting', permit: { node: 'n1', token: 1 } });
    expect(world.step().commands).toMatchObject([
      { node: 'n1', command: { kind: 'start', operation: `start/${db}/1`, permit: { token: 1 } } },
    ]);
  });

  it('starting: runs once its owner reports it with that very token, not before', () => {
    const db = world.addVm('db');
    world.settle();
    world.report('n1', [world.domain(db, { permit: { ...permitOf(db), token: token(0) } })]);
    world.outcome(operationId(`start/${db}/1`), { kind: 'done' });
    world.settle();
    expect(world.vm(db).phase).not.toBe('running');
  });

  const permitOf = (id: ReturnType<TestWorld['addVm']>) => {
    const { permit } = world.vm(id);
    if (permit === null) throw new Error('no permit');
    return permit;
  };

  it('V5: starting: does not run while its QEMU is still being made', () => {
    const db = world.addVm('db');
    world.settle();
    world.report('n1', [world.domain(db, { state: 'paused', reason: 'startingUp' })]);
    world.settle();
    expect(world.vm(db).phase).toBe('starting');
    expect(world.events).not.toContain('VM_STARTED');
    world.report('n1', [world.domain(db)]);
    world.settle();
    expect(world.vm(db).phase).toBe('running');
  });

  it('starting: a failed start frees it, and it is tried again after a growing delay', () => {
    const db = world.addVm('db');
    world.settle();
    world.outcome(operationId(`start/${db}/1`), {
      kind: 'failed',
      code: 'X',
      detail: 'no such disk',
    });
    world.settle();
    expect(world.vm(db)).toMatchObject({
      phase: 'backoff',
      permit: null,
      tries: { failures: 1, here: 1, nodes: [] },
    });
    pass(999);
    world.settle();
    expect(world.vm(db).phase).toBe('backoff');
    pass(2);
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'starting', permit: { token: 2 } });
  });

  it('starting: a refused start is taken back before anybody else may have it', () => {
    const db = world.addVm('db');
    world.settle();
    world.outcome(operationId(`start/${db}/1`), { kind: 'refused', because: 'lease', detail: '' });
    const plans = world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'stopping', permit: { node: 'n1', token: 1 } });
    const commands = plans.flatMap((plan) => plan.commands);
    expect(commands).toMatchObject([{ node: 'n1', command: { kind: 'release', token: 1 } }]);
    world.outcome(operationId(`release/${db}/1/now`), { kind: 'done' });
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'backoff', permit: null });
  });

  it('V5: a crash loop ends in failed, which clears itself after its window', () => {
    const db = world.addVm('db');
    for (let round = 0; round < 40 && world.vm(db).phase !== 'failed'; round += 1) {
      world.settle();
      const { operation } = world.vm(db);
      if (operation !== null)
        world.outcome(operation.id, { kind: 'failed', code: 'X', detail: '' });
      world.settle();
      pass(61_000);
    }
    expect(world.vm(db).phase).toBe('failed');
    expect(world.node(nodeId('n1')).phase).toBe('online');
    pass(world.settings.failedWindowMs);
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'starting', tries: noTries });
  });

  it('V1: a VM that ended by itself is started again on its node with a new token', () => {
    const db = world.addRunningVm('db', 'n1');
    world.report('n1', [world.domain(db, { active: false, state: 'crashed', reason: 'crashed' })]);
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'starting', permit: { node: 'n1', token: 2 } });
  });

  it('N11: while the hypervisor does not answer nothing is concluded from its silence', () => {
    const db = world.addRunningVm('db', 'n1');
    world.report('n1', null);
    pass(1000);
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { token: 1 } });
  });

  it('running and not wanted: is asked to shut down, and released only on acknowledgement', () => {
    const db = world.addRunningVm('db', 'n1', { desired: 'stopped' });
    const plans = world.settle();
    expect(plans.flatMap((plan) => plan.commands)).toMatchObject([
      { command: { kind: 'release', graceMs: 60_000, token: 1 } },
    ]);
    expect(world.vm(db).permit).not.toBeNull();
    world.report('n1', []);
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'stopping', permit: { token: 1 } });
    world.outcome(operationId(`release/${db}/1/grace`), { kind: 'done' });
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'stopped', permit: null });
  });

  it('V7: fits nowhere: waits with a reason per node, starts when there is room', () => {
    const db = world.addVm('db', {
      spec: { ...world.vm(world.addVm('tmp')).spec, name: 'db', memoryMiB: 5000 },
    });
    world.settle();
    expect(world.vm(db).reason).toContain('n1: needs 5000 MiB of memory');
    world.reportCapacity('n2', { memoryMiB: 8000, vcpus: 4 });
    pass(1000);
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'starting', permit: { node: 'n2' }, reason: null });
  });

  it('V15: runs on a node without a permit: it is stopped there before it starts anywhere', () => {
    const db = world.addVm('db');
    world.report('n2', [world.domain(db)]);
    const plans = world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'stopped', permit: null });
    expect(plans.flatMap((plan) => plan.commands)).toMatchObject([
      { node: 'n2', command: { kind: 'release', graceMs: 0 } },
    ]);
    world.report('n2', []);
    pass(1000);
    world.settle();
    expect(world.vm(db).phase).toBe('starting');
  });
});

describe('a new leader', () => {
  it('places nothing before its nodes had the time to be heard again', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
    const vms = ['a', 'b'].map((name) => world.addVm(name));
    world.observingSinceMs = world.nowMs;
    world.seen.clear();
    world.connect('n1', incarnationOf('n1'));
    world.settle();
    expect(vms.map((id) => world.vm(id).phase)).toEqual(['stopped', 'stopped']);
    world.connect('n2', incarnationOf('n2'));
    world.settle();
    expect(vms.map((id) => world.vm(id).permit?.node)).toEqual(['n1', 'n2']);
  });

  it('does not wait for a node that stays silent', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
    const db = world.addVm('db');
    world.observingSinceMs = world.nowMs;
    world.seen.clear();
    world.connect('n1', incarnationOf('n1'));
    world.nowMs += world.settings.timing.reconnectMs;
    world.beat('n1');
    world.settle();
    expect(world.vm(db).permit?.node).toBe('n1');
  });
});

describe('the capacity of a node', () => {
  it('is taken from its reports, also when the first one did not know it yet', () => {
    const world = new TestWorld();
    const n1 = world.addNode('n1', { capacity: { memoryMiB: 0, vcpus: 0 } });
    const db = world.addVm('db');
    world.settle();
    expect(world.node(n1).capacity.memoryMiB).toBe(1000);
    expect(world.vm(db).phase).toBe('starting');
  });
});

describe('an agent that restarted within one boot', () => {
  it('N9: keeps its running VMs, which get permits of the new incarnation', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
    const db = world.addRunningVm('db', 'n1');
    const domain = world.domain(db);
    world.connect('n1', incarnationOf('n1', 1, 2), [domain]);
    const plans = world.settle();
    expect(world.node(nodeId('n1')).incarnation?.id).toBe('n1-boot1.2');
    expect(world.vm(db)).toMatchObject({
      phase: 'running',
      permit: { node: 'n1', incarnation: 'n1-boot1.2', token: 2 },
    });
    expect(plans.flatMap((plan) => plan.commands)).toMatchObject([
      { command: { kind: 'permit', previousToken: 1, permit: { token: 2 } } },
    ]);
    expect(world.fences.size).toBe(0);
  });

  it('a permit whose writing has no visible effect is written anew', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
    const db = world.addRunningVm('db', 'n1');
    world.connect('n1', incarnationOf('n1', 1, 2), [world.domain(db)]);
    world.settle();
    world.outcome(operationId(`permit/${db}/2`), { kind: 'ambiguous', detail: 'no answer' });
    world.nowMs += 20_000;
    world.beat('n1', 'n2');
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { node: 'n1', token: 3 } });
  });

  it('a domain with another token than the recorded one is not adopted', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
    const db = world.addRunningVm('db', 'n1', { lastToken: token(7) });
    const domain = world.domain(db);
    const { permit } = world.vm(db);
    if (permit === null) throw new Error('no permit');
    world.vms.set(db, { ...world.vm(db), permit: { ...permit, token: token(7) } });
    world.connect('n1', incarnationOf('n1', 1, 2), [domain]);
    world.settle();
    expect(world.vm(db).phase).toBe('stopping');
    expect(world.events).toContain('VM_PERMIT_MISMATCH');
  });

  it('a VM whose start was lost with the agent is started on the same node, never elsewhere', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
    const db = world.addVm('db');
    world.settle();
    world.connect('n1', incarnationOf('n1', 1, 2), []);
    world.settle();
    expect(world.vm(db)).toMatchObject({ phase: 'starting', permit: { node: 'n1', token: 2 } });
  });

  it('waits for a full report before it takes anything over', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
    const db = world.addRunningVm('db', 'n1');
    world.connect('n1', incarnationOf('n1', 1, 2));
    world.report('n1', null);
    world.nowMs += 10_000;
    world.beat('n1', 'n2');
    world.settle();
    expect(world.node(nodeId('n1')).incarnation?.id).toBe('n1-boot1.1');
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { token: 1 } });
    expect(world.fences.size).toBe(0);
  });
});

describe('a node that comes back after it was fenced', () => {
  it('N21: is admitted only after what was left on it is stopped', () => {
    const world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
    const db = world.addRunningVm('db', 'n2');
    world.nodes.set(nodeId('n1'), {
      ...world.node(nodeId('n1')),
      phase: 'fenced',
      incarnation: null,
    });
    world.connect('n1', incarnationOf('n1', 2), [world.domain(db)]);
    const plans = world.settle();
    expect(world.node(nodeId('n1')).phase).toBe('fenced');
    expect(plans.flatMap((plan) => plan.commands)).toMatchObject([
      { node: 'n1', incarnation: 'n1-boot2.1', command: { kind: 'release' } },
    ]);
    world.report('n1', []);
    world.settle();
    expect(world.node(nodeId('n1'))).toMatchObject({
      phase: 'online',
      incarnation: { id: 'n1-boot2.1' },
    });
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { node: 'n2', token: 1 } });
  });
});
