import { describe, expect, test } from 'vitest';
import { FakeAgent } from './testing/fake-agent.ts';
import { FakeLeading, hubBench } from './testing/hub-bench.ts';
import { identityOf } from './testing/manager-world.ts';
import { incarnationOf, uuidOf } from './testing/test-objects.ts';

describe('a hello', () => {
  test('is answered by a welcome with the times to keep to', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1' });
    expect(agent.welcomes).toMatchObject([{ manager: 'm-1', heartbeatMs: 500, leaseTtlMs: 6000 }]);
  });

  test.each([
    [
      'X3: of another node than its certificate',
      { node: 'node-2' },
      'the certificate is of node-1',
    ],
    ['of another cluster', { clusterId: uuidOf(9) }, 'another cluster'],
    ['of another protocol', { protocol: 99 }, 'protocol 99 is not spoken here, 1 is'],
  ])('%s is refused with the reason', async (_, hello, reason) => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1', hello });
    expect(agent.byes).toEqual([expect.stringContaining(reason)]);
    expect(agent.closed).toContain(reason);
    expect(it.observe().nodes.size).toBe(0);
  });

  test('that the records do not admit is refused with the reason', async () => {
    const it = await hubBench();
    const leading = new FakeLeading();
    leading.refusal = 'node-1 is machine a, this is b';
    it.hub.lead(leading);
    const agent = await it.dial({ node: 'node-1' });
    expect(agent.byes).toEqual(['node-1 is machine a, this is b']);
    expect(leading.hellos[0]?.fingerprint).toBe('print-node-1');
    expect(it.observe().nodes.size).toBe(0);
  });

  test('comes first: anything before it ends the session', async () => {
    const it = await hubBench();
    const agent = new FakeAgent(it.world, { node: 'node-1' });
    await agent.dial({ hello: false });
    agent.heartbeat();
    await it.world.until(() => agent.closed !== null);
    expect(agent.byes).toEqual(['the first message is a hello']);
    expect(it.observe().nodes.size).toBe(0);
  });

  test('is waited for five seconds', async () => {
    const it = await hubBench();
    const agent = new FakeAgent(it.world, { node: 'node-1' });
    await agent.dial({ hello: false });
    await it.world.run(4900);
    expect(agent.closed).toBeNull();
    await it.world.run(200);
    expect(agent.byes).toEqual(['no hello']);
  });

  test('is said once', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1' });
    agent.say(agent.hello());
    await it.world.until(() => agent.closed !== null);
    expect(agent.byes).toEqual(['a second hello']);
  });

  test('of a refused session is not believed: what follows it is not heard', async () => {
    const it = await hubBench();
    const agent = new FakeAgent(it.world, { node: 'node-1', hello: { protocol: 99 } });
    await agent.dial({ hello: false });
    agent.say(agent.hello());
    agent.heartbeat();
    agent.sayReport();
    await it.world.run(1000);
    expect(it.observe().nodes.size).toBe(0);
  });
});

describe('a channel', () => {
  test('X3: of a manager or an administrator never speaks for a node, whatever it says', async () => {
    const it = await hubBench();
    for (const role of ['manager', 'admin'] as const) {
      const agent = await it.dial({ node: 'node-1', identity: identityOf(role, 'node-1') });
      expect(agent.closed).toContain('only agents and managers');
      expect(agent.welcomes).toEqual([]);
    }
    expect(it.peers).toEqual(['node-1']);
  });

  test.each([
    ['is not of the protocol', { kind: 'lease', forEver: true }],
    ['is no object', { kind: 7 }],
    ['has a sequence below zero', { kind: 'heartbeat', sequence: -1, sentAtMs: 0 }],
  ])('that carries what %s is closed with the reason', async (_, message) => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1' });
    agent.say(message);
    await it.world.until(() => agent.closed !== null);
    expect(agent.byes[0]).toContain('not a message of this protocol');
  });
});

describe('a report', () => {
  const domainsOf = (it: Awaited<ReturnType<typeof hubBench>>) =>
    [...it.observe().nodes.values()][0]?.report?.domains?.size;
  const domain = (number: number) => ({
    vm: uuidOf(number),
    name: `vm-${number}`,
    active: true,
    state: 'running' as const,
    reason: 'booted',
    permit: null,
  });

  test('replaces the one before', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1' });
    agent.domains?.set('a', domain(1));
    agent.sayReport();
    await it.world.run(10);
    expect(domainsOf(it)).toBe(1);
  });

  test('that is older than the last one, or the same again, is ignored', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1', domains: [domain(1)] });
    const stale = agent.hello().report;
    agent.domains?.set('a', domain(2));
    const fresh = agent.report();
    agent.say({ kind: 'report', report: fresh });
    agent.say({ kind: 'report', report: stale });
    agent.say({ kind: 'report', report: { ...fresh, domains: [] } });
    await it.world.run(10);
    expect(domainsOf(it)).toBe(2);
  });

  test('that is not newer than the one of the hello is ignored', async () => {
    const it = await hubBench();
    const agent = await it.dial({ node: 'node-1', domains: [domain(1)] });
    agent.say({ kind: 'report', report: { ...agent.report(), sequence: 1, domains: [] } });
    await it.world.run(10);
    expect(domainsOf(it)).toBe(1);
  });
});

describe('when an agent certainly lived', () => {
  const quiet = { node: 'node-1', beats: false, incarnation: incarnationOf('node-1') };
  const aliveAt = (it: Awaited<ReturnType<typeof hubBench>>) =>
    [...it.observe().nodes.values()][0]?.aliveAtMs;

  test('is not known from a hello: it may have waited in a buffer', async () => {
    const it = await hubBench();
    await it.dial(quiet);
    expect(aliveAt(it)).toBeNull();
  });

  test('is when the welcome was sent, once a heartbeat answers it', async () => {
    const it = await hubBench();
    const agent = await it.dial(quiet);
    const welcomedMs = it.world.clock.monotonicMs();
    await it.world.run(2000);
    agent.heartbeat(null);
    await it.world.run(10);
    expect(aliveAt(it)).toBeGreaterThan(welcomedMs - 10);
    expect(aliveAt(it)).toBeLessThanOrEqual(welcomedMs);
  });

  test('is when the acknowledgement was sent that a heartbeat echoes, not when that arrives', async () => {
    const it = await hubBench();
    const agent = await it.dial(quiet);
    const first = agent.heartbeat(null);
    await it.world.until(() => agent.acks.length === 1);
    const ackedMs = it.world.clock.monotonicMs();
    await it.world.run(5000);
    agent.heartbeat(first);
    await it.world.run(10);
    expect(aliveAt(it)).toBeGreaterThan(ackedMs - 10);
    expect(aliveAt(it)).toBeLessThanOrEqual(ackedMs);
  });

  test('does not move with heartbeats that echo nothing newer', async () => {
    const it = await hubBench();
    const agent = await it.dial(quiet);
    agent.heartbeat(null);
    await it.world.run(1000);
    const before = aliveAt(it);
    agent.heartbeat(null);
    agent.heartbeat(99);
    await it.world.run(10);
    expect(aliveAt(it)).toBe(before);
  });

  test('falls back to the welcome when it echoes what is long forgotten', async () => {
    const it = await hubBench();
    const agent = await it.dial(quiet);
    const first = agent.heartbeat(null);
    await it.world.run(100);
    for (let count = 0; count < 64; count += 1) agent.heartbeat(null);
    await it.world.run(100);
    const before = aliveAt(it);
    agent.heartbeat(first);
    await it.world.run(10);
    expect(aliveAt(it)).toBe(before);
    const last = agent.acks.at(-1)?.sequence ?? null;
    agent.heartbeat(last);
    await it.world.run(10);
    expect(aliveAt(it)).toBeGreaterThan(before ?? Infinity);
  });
});
