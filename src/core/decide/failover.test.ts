import { beforeEach, describe, expect, it } from 'vitest';
import { nodeId } from '../model/ids.ts';
import { TestWorld, incarnationOf } from '../testing/world.ts';

/** Three nodes, one VM on n1; the others are heard throughout. */
describe('a silent node with a VM', () => {
  let world: TestWorld;
  const n1 = nodeId('n1');

  beforeEach(() => {
    world = new TestWorld();
    for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
  });

  const silence = (ms: number): void => {
    world.nowMs += ms;
    world.beat('n2', 'n3');
  };
  const readOff = (times: number, everyMs: number): void => {
    for (let count = 0; count < times; count += 1) {
      silence(everyMs);
      world.read(world.onlyFence().id, 'n1/bmc', 'off');
      world.settle();
    }
  };

  it('W2: is left alone while the silence is shorter than failAfter', () => {
    world.addRunningVm('db', 'n1');
    silence(2900);
    expect(world.step()).toMatchObject({ changes: [], commands: [], fences: [] });
  });

  it('wakes the manager at the instant at which it counts as lost', () => {
    world.addRunningVm('db', 'n1');
    silence(1000);
    expect(world.step().wakeAtMs).toBe(103_000);
  });

  it('is fenced after failAfter, and nothing is sent before the intent is committed', () => {
    world.addRunningVm('db', 'n1');
    silence(3000);
    const plan = world.step();
    expect(plan.fences).toEqual([]);
    expect(world.node(n1).phase).toBe('fencing');
    expect(world.onlyFence().phase).toBe('intent');
    expect(world.step().fences).toMatchObject([{ node: 'n1', mayAct: false }]);
  });

  it('N1: is proven by Off readings over the settle time without any power command', () => {
    const db = world.addRunningVm('db', 'n1');
    silence(3000);
    world.settle();
    readOff(2, 1000);
    expect(world.onlyFence().phase).toBe('intent');
    expect(world.vm(db).permit?.node).toBe('n1');
    readOff(1, 1000);
    expect(world.onlyFence()).toMatchObject({ phase: 'proven', proof: { kind: 'powerOff' } });
    expect(world.vm(db)).toMatchObject({ phase: 'recovering', permit: { token: 2 } });
    expect(world.vm(db).permit?.node).not.toBe('n1');
  });

  it('sends the start only after proof and new owner are committed', () => {
    world.addRunningVm('db', 'n1');
    silence(3000);
    world.settle();
    readOff(2, 1000);
    silence(1000);
    world.read(world.onlyFence().id, 'n1/bmc', 'off');
    const proving = world.step();
    expect(proving.commands).toEqual([]);
    expect(world.step().commands).toMatchObject([{ node: 'n2', command: { kind: 'start' } }]);
  });

  it('B4: nothing more is sent while another boot is heard, whatever is still to be proven', () => {
    world.addRunningVm('db', 'n1');
    silence(3000);
    world.settle();
    world.execution(world.onlyFence().id, { wantsToAct: true });
    world.settle();
    expect(world.step().fences).toMatchObject([{ mayAct: true }]);
    world.connect('n1', incarnationOf('n1', 2));
    const heard = world.seen.get(n1);
    if (heard === undefined) throw new Error('n1 was never connected');
    // Nothing that it answered proves yet that this boot is the later one.
    world.seen.set(n1, { ...heard, aliveAtMs: null });
    expect(world.step().fences).toMatchObject([{ mayAct: false }]);
    silence(3000);
    expect(world.step().fences).toMatchObject([{ mayAct: true }]);
  });

  it('I3: tells a proven node nothing on the strength of a new owner that is not committed', () => {
    const db = world.addRunningVm('db', 'n1');
    for (const name of ['n2', 'n3']) {
      world.nodes.set(nodeId(name), { ...world.node(nodeId(name)), cordoned: true });
    }
    silence(3000);
    world.settle();
    readOff(3, 1000);
    // A heartbeat that waited in a buffer: heard, and no sign that it lives.
    const before = world.seen.get(n1);
    if (before === undefined) throw new Error('n1 was never seen');
    world.seen.set(n1, { ...before, lastHeartbeatMs: world.nowMs });
    world.nodes.set(nodeId('n2'), { ...world.node(nodeId('n2')), cordoned: false });
    const plan = world.step();
    expect(world.vm(db).permit?.node).toBe('n2');
    expect(plan.commands).toEqual([]);
  });

  it('B12: cancels the operation when the node is heard before the first device command', () => {
    const db = world.addRunningVm('db', 'n1');
    silence(3000);
    world.settle();
    silence(100);
    world.beat('n1');
    world.settle();
    expect(world.onlyFence().phase).toBe('cancelled');
    expect(world.node(n1)).toMatchObject({ phase: 'online', fence: null });
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { node: 'n1', token: 1 } });
  });

  it('B12: goes on to a proof once a device command may have been sent', () => {
    world.addRunningVm('db', 'n1');
    silence(3000);
    world.settle();
    world.execution(world.onlyFence().id, { wantsToAct: true });
    world.settle();
    expect(world.onlyFence().phase).toBe('acting');
    silence(100);
    world.beat('n1');
    world.settle();
    expect(world.onlyFence().phase).toBe('acting');
  });

  it('B7: Off readings prove nothing while heartbeats arrive', () => {
    const db = world.addRunningVm('db', 'n1');
    silence(3000);
    world.settle();
    world.execution(world.onlyFence().id, { wantsToAct: true });
    world.settle();
    for (let count = 0; count < 10; count += 1) {
      readOff(1, 1000);
      world.beat('n1');
    }
    expect(world.onlyFence().proof).toBeNull();
    expect(world.vm(db).permit?.node).toBe('n1');
  });

  it('B8: Off readings of another machine prove nothing', () => {
    world.addRunningVm('db', 'n1');
    silence(3000);
    world.settle();
    for (let count = 0; count < 5; count += 1) {
      silence(1000);
      world.read(world.onlyFence().id, 'n1/bmc', 'off', 'guid-of-another');
      world.settle();
    }
    expect(world.onlyFence().proof).toBeNull();
  });

  it('proves nothing while a power command is in flight', () => {
    world.addRunningVm('db', 'n1');
    silence(3000);
    world.settle();
    world.execution(world.onlyFence().id, { outstanding: true });
    readOff(5, 1000);
    expect(world.onlyFence().proof).toBeNull();
    world.execution(world.onlyFence().id, { outstanding: false });
    world.settle();
    expect(world.onlyFence().proof?.kind).toBe('powerOff');
  });

  it('B7: life after the proof revokes it and marks the device as a liar', () => {
    const db = world.addRunningVm('db', 'n1');
    world.nodes.set(nodeId('n2'), { ...world.node(nodeId('n2')), cordoned: true });
    world.nodes.set(nodeId('n3'), { ...world.node(nodeId('n3')), cordoned: true });
    silence(3000);
    world.settle();
    readOff(3, 1000);
    expect(world.vm(db)).toMatchObject({ permit: { node: 'n1' } });
    silence(100);
    world.beat('n1');
    world.settle();
    world.nowMs += 500;
    world.beat('n1', 'n2', 'n3');
    world.settle();
    expect(world.onlyFence()).toMatchObject({
      phase: 'cancelled',
      proof: null,
      distrusted: ['n1/bmc'],
      revoked: [{ proof: { kind: 'powerOff' } }],
    });
    expect(world.events).toContain('BMC_LIED');
    expect(world.node(n1)).toMatchObject({ phase: 'online', incarnation: { id: 'n1-boot1.1' } });
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { node: 'n1', token: 1 } });
    // The liar is not believed in the next operation either, until it is added anew.
    silence(4000);
    world.settle();
    const next = [...world.fences.values()].at(-1);
    expect(next).toMatchObject({ phase: 'intent', distrusted: ['n1/bmc'] });
  });

  it('B7: life of the boot revokes the proof although its agent restarted meanwhile', () => {
    const db = world.addRunningVm('db', 'n1');
    for (const name of ['n2', 'n3']) {
      world.nodes.set(nodeId(name), { ...world.node(nodeId(name)), cordoned: true });
    }
    silence(3000);
    world.settle();
    readOff(3, 1000);
    expect(world.onlyFence().phase).toBe('proven');
    silence(100);
    world.connect('n1', incarnationOf('n1', 1, 2), [world.domain(db)]);
    world.settle();
    silence(500);
    world.beat('n1');
    world.settle();
    expect(world.onlyFence()).toMatchObject({ phase: 'cancelled', distrusted: ['n1/bmc'] });
    expect(world.events).toContain('BMC_LIED');
    expect(world.node(n1)).toMatchObject({ phase: 'online', incarnation: { id: 'n1-boot1.2' } });
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { node: 'n1', token: 2 } });
  });

  it('B7: an agent that restarted late in a boot that was given up keeps the VMs nobody moved', () => {
    const db = world.addRunningVm('db', 'n1');
    const own = world.addRunningVm('own', 'n1', { desired: 'ignored' });
    silence(3000);
    world.settle();
    readOff(3, 1000);
    const to = world.vm(db).permit?.node ?? 'nowhere';
    const left = [world.domain(db), world.domain(own)];
    world.report(to, [world.domain(db)]);
    world.settle();
    expect(world.onlyFence().phase).toBe('closed');
    silence(100);
    world.connect('n1', incarnationOf('n1', 1, 2), left);
    const plans = world.settle();
    expect(world.onlyFence()).toMatchObject({ phase: 'cancelled', proof: null });
    expect(world.vm(own)).toMatchObject({ phase: 'running', permit: { node: 'n1', token: 2 } });
    const released = plans.flatMap(({ commands }) => commands).map(({ command }) => command);
    expect(released).toContainEqual(expect.objectContaining({ kind: 'release', vm: db }));
    expect(released).not.toContainEqual(expect.objectContaining({ kind: 'release', vm: own }));
  });

  it('a failover that is sealed is not written again when its proof is revoked', () => {
    const db = world.addRunningVm('db', 'n1');
    const web = world.addRunningVm('web', 'n1', { desired: 'ignored' });
    silence(3000);
    world.settle();
    readOff(2, 1000);
    silence(1000);
    world.read(world.onlyFence().id, 'n1/bmc', 'off');
    world.step();
    const to = world.vm(db).permit?.node ?? 'nowhere';
    world.report(to, [world.domain(db)]);
    for (const name of ['n2', 'n3']) {
      world.nodes.set(nodeId(name), { ...world.node(nodeId(name)), cordoned: true });
    }
    world.vms.set(web, { ...world.vm(web), desired: 'running' });
    world.step();
    const [sealed] = world.failovers.values();
    expect(sealed?.outcome).toBe('completed');
    silence(100);
    world.beat('n1');
    world.settle();
    expect(world.failovers.get(world.onlyFence().failover)).toMatchObject({ outcome: 'open' });
    expect([...world.failovers.values()][0]).toEqual(sealed);
    world.nowMs += 500;
    world.beat('n1', 'n2', 'n3');
    world.settle();
    expect([...world.failovers.values()][1]).toMatchObject({
      outcome: 'cancelled',
      vms: [{ name: 'web' }],
    });
    expect(world.vm(web).permit).toMatchObject({ node: 'n1', token: 1 });
  });

  it('the last report of a node that is proven dead holds nothing back, however young', () => {
    const db = world.addRunningVm('db', 'n1');
    silence(3000);
    world.settle();
    world.execution(world.onlyFence().id, { wantsToAct: true });
    world.settle();
    world.beat('n1');
    // Off is read three times over the settle time, all within failAfter of the last heartbeat.
    for (const ms of [500, 1000, 1000]) {
      silence(ms);
      world.read(world.onlyFence().id, 'n1/bmc', 'off');
      world.settle();
    }
    expect(world.onlyFence().proof?.kind).toBe('powerOff');
    expect(world.vm(db)).toMatchObject({ phase: 'recovering', permit: { token: 2 } });
  });

  it('N8: another boot id proves the old incarnation dead at once, without a device', () => {
    const db = world.addRunningVm('db', 'n1');
    silence(500);
    world.connect('n1', incarnationOf('n1', 2));
    world.settle();
    expect(world.onlyFence()).toMatchObject({ proof: { kind: 'newBoot' }, attempts: [] });
    expect(world.vm(db)).toMatchObject({ phase: 'recovering', permit: { token: 2 } });
  });

  it('another boot id proves nothing when it may be an older one', () => {
    const db = world.addRunningVm('db', 'n1');
    const admitted = world.node(n1).incarnation;
    // A manager that begins to lead remembers a boot of n1 that it has not heard since.
    world.connect('n1', incarnationOf('n1', 0));
    world.incarnationSince.set(n1, { incarnation: admitted?.id ?? null, ms: world.nowMs });
    silence(10_000);
    world.settle();
    expect(world.onlyFence()).toMatchObject({ phase: 'intent', proof: null });
    expect(world.vm(db).permit).toMatchObject({ node: 'n1', token: 1 });
  });

  it('N8: a reboot during an open operation ends it without a further power action', () => {
    world.addRunningVm('db', 'n1');
    silence(3000);
    world.settle();
    silence(10_000);
    world.connect('n1', incarnationOf('n1', 2));
    const plans = world.settle();
    expect(world.onlyFence().proof?.kind).toBe('newBoot');
    expect(plans.at(-1)?.fences).toEqual([]);
  });

  it('is not fenced when it holds no VM', () => {
    silence(60_000);
    world.settle();
    expect(world.fences.size).toBe(0);
    expect(world.node(n1)).toMatchObject({ phase: 'joining', incarnation: null });
  });

  it('a VM that is disabled is neither a reason to fence nor moved', () => {
    const db = world.addRunningVm('db', 'n1', { desired: 'disabled' });
    silence(60_000);
    world.settle();
    expect(world.fences.size).toBe(0);
    expect(world.vm(db).permit?.node).toBe('n1');
  });

  it('M2: the own stall of the manager counts as nobody’s silence', () => {
    world.addRunningVm('db', 'n1');
    world.nowMs += 30_000;
    world.stalls.push({ endedMs: world.nowMs, lateMs: 29_800 });
    expect(world.step().changes).toEqual([]);
    world.nowMs += 2900;
    world.beat('n2', 'n3');
    world.settle();
    expect(world.onlyFence().node).toBe('n1');
  });

  it('a new leader waits for nodes it has not heard yet, longer than failAfter', () => {
    world.addRunningVm('db', 'n1');
    world.seen.clear();
    world.observingSinceMs = world.nowMs;
    world.nowMs += 5900;
    world.settle();
    expect(world.fences.size).toBe(0);
    world.nowMs += 200;
    world.settle();
    expect(world.fences.size).toBeGreaterThan(0);
  });

  it('the failover record closes when every VM runs elsewhere, with what happened when', () => {
    const db = world.addRunningVm('db', 'n1');
    silence(3000);
    world.settle();
    readOff(3, 1000);
    const to = world.vm(db).permit?.node ?? 'nowhere';
    world.report(to, [world.domain(db)]);
    world.settle();
    const [failover] = world.failovers.values();
    expect(failover).toMatchObject({
      outcome: 'completed',
      node: 'n1',
      vms: [{ name: 'db', from: 'n1', to, failure: null }],
    });
    expect(failover?.intentAt).not.toBeNull();
    expect(failover?.provenAt).not.toBeNull();
    expect(failover?.vms[0]?.startedAt).not.toBeNull();
    expect(world.onlyFence().phase).toBe('closed');
  });
});
