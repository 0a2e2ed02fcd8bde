import { beforeEach, describe, expect, it } from 'vitest';
import { defaultGuestPolicy, type GuestPolicy, type Verdict } from '../model/guest.ts';
import { nodeId, operationId } from '../model/ids.ts';
import type { VmSpec } from '../model/vm.ts';
import type { DomainObservation } from '../observations.ts';
import { findingsOf } from '../explain/findings.ts';
import { watchedGuests } from '../order/guest-watches.ts';
import { specOf, TestWorld } from '../testing/world.ts';

const health = {
  check: { kind: 'tcp', host: '10.0.0.5', port: 80 },
  intervalMs: 5000,
  timeoutMs: 1000,
  failures: 3,
  graceMs: 60_000,
} as const;
const key = 'tcp://10.0.0.5:80';

describe('what is done about a guest', () => {
  let world: TestWorld;

  beforeEach(() => {
    world = new TestWorld();
    for (const name of ['n1', 'n2']) world.addNode(name);
  });

  type Id = ReturnType<TestWorld['addVm']>;
  const add = (guest: Partial<GuestPolicy>, name = 'db', change: Partial<VmSpec> = {}): Id =>
    world.addRunningVm(name, 'n1', {
      spec: specOf(name, { guest: { ...defaultGuestPolicy, ...guest }, ...change }),
    });
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= 1000) {
      world.nowMs += Math.min(1000, left);
      world.beat('n1', 'n2');
      world.settle();
    }
  };
  const see = (id: Id, change: Partial<DomainObservation>, node = 'n1'): void => {
    world.report(node, [world.domain(id, change)]);
    world.settle();
  };
  const released = (id: Id): void => {
    const { operation } = world.vm(id);
    if (operation?.kind !== 'release') throw new Error('it is not being stopped');
    world.settle();
    world.report('n1', []);
    world.outcome(operation.id, { kind: 'done' });
    world.settle();
  };
  const isIll = (id: Id, verdict: Verdict = 'ill', more: Partial<DomainObservation> = {}): void =>
    see(id, { checks: { [key]: verdict }, ...more }, world.vm(id).permit?.node);

  const off = { active: false, state: 'shutOff' } as const;

  it('V4: a clean shutdown of the guest is the end of it where that is the policy', () => {
    const db = add({ onShutdown: 'stayOff' });
    see(db, { ...off, reason: 'shutdown' });
    expect(world.vm(db)).toMatchObject({ desired: 'stopped', phase: 'stopping' });
    expect(world.events).toContain('VM_STAYS_OFF');
    released(db);
    expect(world.vm(db)).toMatchObject({ desired: 'stopped', phase: 'stopped', permit: null });
  });

  it('V4: a crash, a kill by hand and a domain that is gone are no clean shutdown', () => {
    for (const change of [
      { ...off, reason: 'crashed' },
      { ...off, reason: 'destroyed' },
      { ...off, reason: 'unknown' },
    ]) {
      const db = add({ onShutdown: 'stayOff' }, `db-${change.reason}`);
      see(db, change);
      expect(world.vm(db)).toMatchObject({ desired: 'running', phase: 'starting' });
    }
  });

  it('N26: guests that end as their node goes down, or are ill by then, are neither', () => {
    const db = add({ onShutdown: 'stayOff' });
    const web = add({ health }, 'web');
    world.say('n1', 'shutdown');
    world.report('n1', [
      world.domain(db, { ...off, reason: 'shutdown' }),
      world.domain(web, { checks: { [key]: 'ill' } }),
    ]);
    world.settle();
    expect(world.node(nodeId('n1')).downtime).toBeDefined();
    expect(world.vm(db)).toMatchObject({ desired: 'running', phase: 'stopping' });
    expect(world.vm(web)).toMatchObject({ phase: 'running', operation: null });
    expect(world.events).not.toContain('VM_STAYS_OFF');
    expect(world.events).not.toContain('VM_ILL');
  });

  it('V4: without a policy it is started again, clean or not', () => {
    const db = add({});
    see(db, { ...off, reason: 'shutdown' });
    expect(world.vm(db)).toMatchObject({ desired: 'running', phase: 'starting' });
  });

  it('V2: a guest that crashed stays off where that is the policy, a clean shutdown does not', () => {
    const db = add({ onCrash: 'stayOff' });
    see(db, { ...off, reason: 'crashed' });
    expect(world.vm(db)).toMatchObject({ desired: 'stopped', phase: 'stopping' });
    const web = add({ onCrash: 'stayOff' }, 'web');
    see(web, { ...off, reason: 'shutdown' });
    expect(world.vm(web)).toMatchObject({ desired: 'running', phase: 'starting' });
  });

  it('V2: a guest that panicked is kept as it is where that is the policy, and reported', () => {
    const db = add({ onCrash: 'preserve' });
    see(db, { state: 'crashed', reason: 'panicked' });
    pass(5000);
    expect(world.vm(db)).toMatchObject({ phase: 'running', operation: null });
    const codes = findingsOf(world, world.observe()).map((one) => one.code);
    expect(codes).toContain('VM_PANICKED');
  });

  it('V2: one that panicked and is still there is stopped first, then started anew', () => {
    const db = add({ onCrash: 'restart' });
    see(db, { state: 'crashed', reason: 'panicked' });
    expect(world.vm(db)).toMatchObject({ phase: 'stopping', operation: { force: true } });
    released(db);
    pass(2000);
    expect(world.vm(db)).toMatchObject({ phase: 'starting', permit: { node: 'n1' } });
  });

  it('disarmed, nothing is done about a guest', () => {
    const db = add({ onShutdown: 'stayOff', health });
    world.arming = {
      ...world.arming,
      disarmed: { mode: 'freeze', since: '', until: null, by: 'x', reason: null } as never,
    };
    isIll(db);
    expect(world.vm(db).phase).toBe('running');
    see(db, { ...off, reason: 'shutdown' });
    expect(world.vm(db)).toMatchObject({ desired: 'running', phase: 'running' });
  });

  it('V3: an ill guest is restarted where it is, so often, then elsewhere', () => {
    const db = add({ health }, 'db', { limits: { restarts: 1, relocations: 1 } });
    const nodes: (string | undefined)[] = [];
    for (let round = 0; round < 4; round += 1) {
      isIll(db, 'passing');
      pass(61_000);
      isIll(db);
      expect(world.vm(db).phase).toBe('stopping');
      const from = world.vm(db).permit?.node ?? 'n1';
      const { operation } = world.vm(db);
      world.settle();
      world.report(from, []);
      world.outcome(operation?.id ?? operationId(''), { kind: 'done' });
      pass(10_000);
      nodes.push(world.vm(db).permit?.node ?? world.vm(db).phase);
      if (world.vm(db).permit !== null) see(db, {}, world.vm(db).permit?.node);
      if (world.vm(db).phase === 'failed') break;
    }
    expect(nodes).toEqual(['n1', 'n2', 'n2', 'failed']);
    expect(world.fences.size).toBe(0);
    pass(world.settings.failedWindowMs + 2000);
    expect(world.vm(db).phase).toBe('starting');
  });

  it('V3: it is forgiven after ten minutes of a check that passes, not while it does not', () => {
    const db = add({ health });
    world.vmPhaseSinceMs.set(db, world.nowMs);
    world.vms.set(db, { ...world.vm(db), tries: { failures: 2, here: 2, nodes: [] } });
    isIll(db, 'pending');
    pass(11 * 60_000);
    expect(world.vm(db).tries.failures).toBe(2);
    isIll(db, 'passing');
    expect(world.vm(db).tries.failures).toBe(0);
  });

  it('V3: nothing is done about one that is paused, or of an earlier start', () => {
    const db = add({ health });
    isIll(db, 'ill', { state: 'paused', reason: 'ioError' });
    expect(world.vm(db).phase).toBe('running');
    isIll(db, 'pending');
    expect(world.vm(db).phase).toBe('running');
    const before = world.vm(db).permit;
    const stale = before && { ...before, token: 0 as never };
    world.vms.set(db, { ...world.vm(db), operation: null });
    const domain = world.domain(db, { checks: { [key]: 'ill' }, permit: stale });
    expect(domain.permit?.token).not.toBe(world.vm(db).permit?.token);
  });

  it('V3: nothing is done about one that is being migrated', () => {
    const db = add({ health });
    const { permit } = world.vm(db);
    if (permit === null) throw new Error('no permit');
    const target = { ...permit, node: 'n2' as never, token: 2 as never };
    const move = { from: 'n1', to: 'n2', way: 'live', failures: 0, limits: {} };
    world.vms.set(db, {
      ...world.vm(db),
      phase: 'migrating',
      move: {
        ...move,
        migration: {
          phase: 'moving',
          target,
          because: null,
          withdrawn: false,
          sourceStands: false,
        },
      } as never,
    });
    isIll(db);
    expect(world.vm(db).phase).toBe('migrating');
    expect(world.events).not.toContain('VM_ILL');
  });

  it('V3: when no check over the network of a node passes, no guest is blamed', () => {
    const ids = ['a', 'b', 'c'].map((name) => add({ health }, name));
    const report = (verdicts: readonly Verdict[]): void => {
      const domains = ids.map((id, index) =>
        world.domain(id, { checks: { [key]: verdicts[index] ?? 'pending' } }),
      );
      world.report('n1', domains);
      world.settle();
    };
    report(['ill', 'ill', 'pending']);
    expect(ids.map((id) => world.vm(id).phase)).toEqual(['running', 'running', 'running']);
    const [finding] = findingsOf(world, world.observe()).filter((one) => one.code === 'VM_ILL');
    expect(finding?.text).toContain('no guest is restarted');
    report(['ill', 'ill', 'passing']);
    expect(ids.map((id) => world.vm(id).phase)).toEqual(['stopping', 'stopping', 'running']);
  });

  it('agents are told the health checks of their VMs, and the gates that others wait for', () => {
    const gate = { kind: 'agent' } as const;
    const after = [{ vm: 'db', gate, timeoutMs: 1000, onTimeout: 'hold' }] as const;
    add({ health });
    world.addVm('web', { spec: specOf('web', { after }) });
    const told = watchedGuests(world).get('n1' as never) ?? [];
    expect(told.map((one) => one.vm)).toEqual(['vm-db']);
    expect(told[0]?.watches).toMatchObject([
      { check: health.check, failures: 3, repeats: true },
      { check: gate, repeats: false },
    ]);
  });
});
