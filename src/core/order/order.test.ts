import { beforeEach, describe, expect, it } from 'vitest';
import { operationId } from '../model/ids.ts';
import type { Verdict } from '../model/guest.ts';
import type { VmDependency } from '../model/order.ts';
import { openDraft } from '../decide/draft.ts';
import { createVm } from '../request/vm.ts';
import { specOf, TestWorld } from '../testing/world.ts';

const on = (vm: string, change: Partial<VmDependency> = {}): VmDependency => ({
  vm,
  gate: { kind: 'running' },
  timeoutMs: 60_000,
  onTimeout: 'continue',
  ...change,
});

describe('a VM that depends on another', () => {
  let world: TestWorld;

  beforeEach(() => {
    world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
  });

  type Id = ReturnType<TestWorld['addVm']>;

  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= 1000) {
      world.nowMs += Math.min(1000, left);
      world.beat('n1', 'n2');
      world.settle();
    }
  };
  const addAfter = (name: string, ...after: readonly VmDependency[]): Id =>
    world.addVm(name, { spec: specOf(name, { after }) });
  const runs = (id: Id, checks: Readonly<Record<string, Verdict>> = {}): void => {
    world.settle();
    const { permit } = world.vm(id);
    if (permit === null) throw new Error('it was not started');
    const others = [...world.vms.values()].filter(
      (vm) => vm.id !== id && vm.phase === 'running' && vm.permit?.node === permit.node,
    );
    world.report(permit.node, [
      ...others.map((vm) => world.domain(vm.id)),
      world.domain(id, { checks }),
    ]);
    world.settle();
    expect(world.vm(id).phase).toBe('running');
  };

  it('starts once the other one runs, and says until then for whom it waits', () => {
    const web = addAfter('web', on('db'));
    const db = world.addVm('db');
    world.settle();
    expect(world.vm(web)).toMatchObject({
      phase: 'stopped',
      permit: null,
      reason: 'waits until db runs (at most 60 s, then without)',
      wait: { overdue: [] },
    });
    runs(db);
    expect(world.vm(web)).toMatchObject({ phase: 'starting', wait: null, reason: null });
  });

  it('waits until the check of a gate has passed since that start', () => {
    const gate = { kind: 'tcp', host: '10.0.0.5', port: 5432 } as const;
    const web = addAfter('web', on('db', { gate }));
    const db = world.addVm('db');
    runs(db, { 'tcp://10.0.0.5:5432': 'pending' });
    expect(world.vm(web)).toMatchObject({ phase: 'stopped' });
    expect(world.vm(web).reason).toContain('db: tcp://10.0.0.5:5432 answers');
    runs(db, { 'tcp://10.0.0.5:5432': 'passing' });
    expect(world.vm(web).phase).toBe('starting');
  });

  it('waits out a delay from when the other one ran', () => {
    const web = addAfter('web', on('db', { gate: { kind: 'delay', ms: 5000 } }));
    runs(world.addVm('db'));
    pass(4999);
    expect(world.vm(web).phase).toBe('stopped');
    pass(1);
    expect(world.vm(web).phase).toBe('starting');
  });

  it('V20: starts without it when its time is over, and says so once', () => {
    const web = addAfter('web', on('db'));
    world.addVm('db', { desired: 'stopped' });
    world.settle();
    pass(59_000);
    expect(world.vm(web).phase).toBe('stopped');
    expect(world.events).not.toContain('VM_ORDER_TIMEOUT');
    pass(2000);
    expect(world.vm(web).phase).toBe('starting');
    expect(world.events.filter((code) => code === 'VM_ORDER_TIMEOUT')).toHaveLength(1);
  });

  it('V20: says that its time is over once, also when no node can take it then', () => {
    const spec = specOf('web', { after: [on('db')], memoryMiB: 5000 });
    const web = world.addVm('web', { spec });
    world.addVm('db', { desired: 'stopped' });
    world.settle();
    pass(70_000);
    expect(world.vm(web).permit).toBeNull();
    expect(world.events.filter((code) => code === 'VM_ORDER_TIMEOUT')).toHaveLength(1);
  });

  it('V20: is held when that is wanted, until the other one is ready after all', () => {
    const web = addAfter('web', on('db', { onTimeout: 'hold' }));
    const db = world.addVm('db', { desired: 'stopped' });
    world.settle();
    pass(300_000);
    expect(world.vm(web)).toMatchObject({ phase: 'stopped', wait: { overdue: ['db'] } });
    expect(world.vm(web).reason).toContain('held');
    expect(world.events.filter((code) => code === 'VM_ORDER_HELD')).toHaveLength(1);
    world.vms.set(db, { ...world.vm(db), desired: 'running' });
    runs(db);
    expect(world.vm(web).phase).toBe('starting');
  });

  it('does not wait for one that was deleted', () => {
    const web = addAfter('web', on('gone'));
    world.settle();
    expect(world.vm(web).phase).toBe('starting');
  });

  it('waits in a recovery as in any start, and what waits for nobody does not', () => {
    const db = world.addRunningVm('db', 'n1');
    const web = world.addRunningVm('web', 'n1', { spec: specOf('web', { after: [on('db')] }) });
    const free = world.addRunningVm('free', 'n1');
    for (let passed = 0; passed < 4000; passed += 500) {
      world.nowMs += 500;
      world.beat('n2');
      world.settle();
    }
    const { id } = world.onlyFence();
    for (let passed = 0; passed < 3000; passed += 1000) {
      world.nowMs += 1000;
      world.beat('n2');
      world.read(id, 'n1/bmc', 'off');
      world.settle();
    }
    expect(world.vm(db)).toMatchObject({ phase: 'recovering', permit: { node: 'n2' } });
    expect(world.vm(free)).toMatchObject({ phase: 'recovering', permit: { node: 'n2' } });
    expect(world.vm(web)).toMatchObject({ permit: { node: 'n1' }, wait: { overdue: [] } });
    world.report('n2', [world.domain(db), world.domain(free)]);
    world.settle();
    expect(world.vm(web)).toMatchObject({ phase: 'recovering', permit: { node: 'n2' } });
  });

  it('V19: a cycle is refused when it is written, and named', () => {
    addAfter('a', on('b'));
    addAfter('b', on('c'));
    const draft = openDraft(world, world.observe());
    const refused = createVm(draft, {
      id: 'vm-c' as never,
      spec: specOf('c', { after: [on('a')] }),
      desired: 'running',
      home: null,
    });
    expect(refused).toMatchObject({ problem: { code: 'E_ORDER_CYCLE' } });
    expect(JSON.stringify(refused)).toContain('a → b → c → a');
  });

  it('V19: one that waits for itself, twice for the same, or for nobody known is refused', () => {
    world.addVm('db');
    const create = (...after: readonly VmDependency[]) =>
      createVm(openDraft(world, world.observe()), {
        id: 'vm-c' as never,
        spec: specOf('c', { after }),
        desired: 'running',
        home: null,
      });
    expect(create(on('c'))).toMatchObject({ problem: { code: 'E_ORDER_CYCLE' } });
    expect(create(on('db'), on('db'))).toMatchObject({ problem: { code: 'E_SPEC_INVALID' } });
    expect(create(on('nobody'))).toMatchObject({ problem: { code: 'E_NOT_FOUND' } });
    expect(create(on('db'))).toMatchObject({ kind: 'ok' });
  });

  it('V17: no more start at once than a node takes, the important ones first', () => {
    world.settings = { ...world.settings, maxStartsPerNode: 2 };
    const starts: string[] = [];
    for (const [name, priority] of [
      ['l1', 'low'],
      ['l2', 'low'],
      ['m1', 'medium'],
      ['h1', 'high'],
      ['h2', 'high'],
    ] as const) {
      world.addVm(name, { spec: specOf(name, { priority, nodes: ['n1' as never] }) });
    }
    const note = (): void => {
      for (const plan of world.settle()) {
        for (const { command } of plan.commands) {
          if (command.kind === 'start') starts.push(command.spec.name);
        }
      }
    };
    note();
    expect(starts).toEqual(['h1', 'h2']);
    const up: Id[] = [];
    for (const name of ['h1', 'h2', 'm1', 'l1', 'l2']) {
      up.push(`vm-${name}` as never);
      world.report(
        'n1',
        up.map((id) => world.domain(id)),
      );
      note();
    }
    expect(starts).toEqual(['h1', 'h2', 'm1', 'l1', 'l2']);
  });

  it('V17: a start that failed makes room, and one sent again takes none twice', () => {
    world.settings = { ...world.settings, maxStartsPerNode: 1 };
    for (const name of ['a', 'b']) {
      world.addVm(name, { spec: specOf(name, { nodes: ['n1' as never] }) });
    }
    world.settle();
    world.nowMs += 6000;
    world.beat('n1', 'n2');
    const again = world.step().commands.map(({ command }) => command.operation);
    expect(again).toEqual(['start/vm-a/1']);
    world.outcome(operationId('start/vm-a/1'), { kind: 'failed', code: 'X', detail: '' });
    const sent = world
      .settle()
      .flatMap((plan) => plan.commands.map((one) => one.command.operation));
    expect(sent).toEqual(['start/vm-b/1']);
  });

  it('V17: a storage is not overrun by VMs of different nodes', () => {
    world.settings = { ...world.settings, maxStartsPerStorage: 1 };
    const disks = [
      {
        source: { kind: 'rbd', pool: 'vms', image: 'x' },
        format: 'raw',
        bus: 'virtio',
        readOnly: false,
      },
    ] as const;
    world.addVm('a', { spec: specOf('a', { disks, nodes: ['n1' as never] }) });
    world.addVm('b', { spec: specOf('b', { disks, nodes: ['n2' as never] }) });
    const sent = world
      .settle()
      .flatMap((plan) => plan.commands.map((one) => one.command.operation));
    expect(sent).toEqual(['start/vm-a/1']);
  });
});
