import { describe, expect, test } from 'vitest';
import { HostClock } from '../../chaos/sim/clock.ts';
import { operationId, revision } from '../../src/core/model/ids.ts';
import { MemoryCluster, type MemoryClusterOptions } from '../../src/store/memory/memory-cluster.ts';
import type { MemoryStore } from '../../src/store/memory/memory-store.ts';
import {
  StoreUnavailable,
  type Compare,
  type Leadership,
  type WatchEvent,
  type WriteOutcome,
} from '../../src/store/store.ts';
import { settle, virtualEnv } from './virtual-env.ts';

let operations = 0;
const never = new AbortController().signal;

function put(store: MemoryStore, key: string, compare: readonly Compare[] = []) {
  operations += 1;
  const operation = operationId(`op-${operations}`);
  const outcome = store.txn({ operation, compare, then: [{ kind: 'put', key, value: key }] });
  return outcome;
}

const guard = (leader: Leadership): Compare => {
  return { key: leader.key, target: 'create', revision: leader.createRevision };
};

function world(options: Partial<MemoryClusterOptions> = {}) {
  const env = virtualEnv();
  const cluster = new MemoryCluster({ env, ...options });
  const run = <Value>(promise: Promise<Value>): Promise<Value> => settle(env.time, promise);
  const campaign = (store: MemoryStore, candidate: string, signal = never) =>
    run(store.campaign({ candidate, signal }));
  return { env, cluster, run, campaign };
}

describe('leadership by lease', () => {
  test('renewals keep it for as long as the link works', async () => {
    const it = world({ leaseMs: 3_000, latencyMs: () => 5 });
    const a = it.cluster.connect('a');
    const leader = await it.campaign(a, 'a');
    await it.env.time.runFor(60_000);
    expect([leader.isValid(), it.cluster.leader, await it.run(leader.confirm())]).toEqual([
      true,
      'a',
      true,
    ]);
  });

  test('E2: a leader that is cut off stops before another one is seated, by its own clock', async () => {
    const it = world({ leaseMs: 3_000, latencyMs: () => 5 });
    const [a, b] = [it.cluster.connect('a'), it.cluster.connect('b')];
    const first = await it.campaign(a, 'a');
    const waiting = b.campaign({ candidate: 'b', signal: never });
    await it.env.time.runFor(10_000);
    let lostAtMs = Number.POSITIVE_INFINITY;
    first.lost.addEventListener('abort', () => {
      lostAtMs = it.env.clock.monotonicMs();
    });
    it.cluster.cut('a');
    const second = await it.run(waiting);
    const seatedAtMs = it.env.clock.monotonicMs();
    expect(lostAtMs).toBeLessThan(seatedAtMs);
    expect([first.isValid(), second.isValid()]).toEqual([false, true]);
    expect(second.epoch).toBeGreaterThan(first.epoch);
    it.cluster.heal('a');
    expect(await it.run(put(a, 'k', [guard(first)]))).toMatchObject({ because: 'compare' });
    expect(await it.run(first.confirm())).toBe(false);
  });

  test('M2: a paused leader finds its lease gone in the first check after the pause', async () => {
    const it = world({ leaseMs: 3_000 });
    // The leader's timers stand still, its clock runs on.
    let paused = false;
    const held: (() => void)[] = [];
    const timers: typeof it.env.timers = {
      after: (delayMs, action) =>
        it.env.timers.after(delayMs, () => {
          if (paused) held.push(action);
          else action();
        }),
    };
    const a = it.cluster.connect('a', { clock: new HostClock(it.env.time), timers });
    const first = await it.campaign(a, 'a');
    paused = true;
    const second = await it.campaign(it.cluster.connect('b'), 'b');
    await it.env.time.runFor(30_000);
    // In the same turn as the resume, before any timer or event.
    expect(first.isValid()).toBe(false);
    paused = false;
    for (const action of held) action();
    await it.env.time.runFor(1_000);
    expect([first.isValid(), first.lost.aborted, second.isValid()]).toEqual([false, true, true]);
  });

  test('E2: the lease counts from the send of a renewal, however late its answer comes', async () => {
    const it = world({ leaseMs: 3_000, latencyMs: (_, leg) => (leg === 'response' ? 400 : 5) });
    const first = await it.campaign(it.cluster.connect('a'), 'a');
    it.cluster.cut('a');
    const waiting = it.cluster.connect('b').campaign({ candidate: 'b', signal: never });
    expect(await it.env.time.runUntil(() => it.cluster.leader === 'b', 10_000)).toBe(true);
    expect(first.isValid()).toBe(false);
    expect((await it.run(waiting)).isValid()).toBe(true);
  });

  test('a clock that runs 1 % slow still ends a leadership in time', async () => {
    const it = world({ leaseMs: 3_000 });
    const slow = new HostClock(it.env.time, { rate: 0.99 });
    const a = it.cluster.connect('a', { clock: slow, timers: it.env.timers });
    const first = await it.campaign(a, 'a');
    const waiting = it.cluster.connect('b').campaign({ candidate: 'b', signal: never });
    it.cluster.cut('a');
    await it.run(waiting);
    expect(first.isValid()).toBe(false);
  });

  test('a candidate that is granted while it is cut off does not hold the seat for ever', async () => {
    const it = world({ leaseMs: 1_000 });
    const [a, b] = [it.cluster.connect('a'), it.cluster.connect('b')];
    const first = await it.campaign(a, 'a');
    let won = false;
    void b.campaign({ candidate: 'b', signal: never }).then(() => {
      won = true;
      return won;
    });
    await it.env.time.runFor(10);
    it.cluster.cut('b');
    await it.run(first.resign());
    expect(it.cluster.leader).toBe('b');
    await it.env.time.runFor(1_500);
    expect([it.cluster.leader, won]).toEqual([null, false]);
    it.cluster.heal('b');
    await it.env.time.runFor(100);
    expect([it.cluster.leader, won]).toEqual(['b', true]);
  });

  test('E1: an aborted candidate is never seated, however late its messages are', async () => {
    const delays = [400, 1];
    const it = world({ latencyMs: () => delays.shift() ?? 1 });
    const a = it.cluster.connect('a');
    const controller = new AbortController();
    const gone = a.campaign({ candidate: 'a', signal: controller.signal });
    controller.abort(new Error('no'));
    await expect(gone).rejects.toThrow('no');
    await it.env.time.runFor(2_000);
    expect(it.cluster.leader).toBeNull();
    const leader = await it.campaign(it.cluster.connect('b'), 'b');
    expect(leader.isValid()).toBe(true);
  });
});

describe('two leaders at once', () => {
  test('M3: a leader deposed without notice believes on; the store stops it', async () => {
    const it = world();
    const [a, b] = [it.cluster.connect('a'), it.cluster.connect('b')];
    const first = await it.campaign(a, 'a');
    const waiting = b.campaign({ candidate: 'b', signal: never });
    await it.env.time.runFor(1);
    expect(it.cluster.expire('a', { tell: false })).toBe(true);
    const second = await it.run(waiting);
    await it.env.time.runFor(60_000);
    expect([first.isValid(), second.isValid(), first.lost.aborted]).toEqual([true, true, false]);
    expect([await it.run(first.confirm()), await it.run(second.confirm())]).toEqual([false, true]);
    expect(await it.run(put(a, 'k', [guard(first)]))).toMatchObject({ because: 'compare' });
    expect(await it.run(put(b, 'k', [guard(second)]))).toMatchObject({ kind: 'committed' });
    expect(first.isValid()).toBe(true);
  });

  test('with a lease even that leader stops by its own clock', async () => {
    const it = world({ leaseMs: 3_000 });
    const first = await it.campaign(it.cluster.connect('a'), 'a');
    it.cluster.expire('a', { tell: false });
    expect(first.isValid()).toBe(true);
    await it.env.time.runFor(3_000);
    expect(first.isValid()).toBe(false);
  });

  test('only the candidate that leads can be deposed', async () => {
    const it = world();
    const leader = await it.campaign(it.cluster.connect('a'), 'a');
    expect(it.cluster.expire('b')).toBe(false);
    expect(leader.isValid()).toBe(true);
  });
});

describe('links', () => {
  test('E6: on a cut link reads are unavailable and writes ambiguous, both at the deadline', async () => {
    const it = world({ deadlineMs: 2_000 });
    const a = it.cluster.connect('a');
    it.cluster.cut('a');
    const startMs = it.env.clock.monotonicMs();
    const reading = a.get('k').catch((error: unknown) => error);
    const writing = put(a, 'k');
    expect(await it.run(reading)).toBeInstanceOf(StoreUnavailable);
    expect(await it.run(writing)).toMatchObject({ kind: 'ambiguous' });
    expect(it.env.clock.monotonicMs() - startMs).toBe(2_000);
    expect(a.status()).toMatchObject({ hasQuorum: false });
    expect(it.cluster.machine.get('k')).toBeNull();
  });

  test('a write whose answer is lost on the way back is ambiguous and was committed', async () => {
    const it = world({ latencyMs: () => 50 });
    const a = it.cluster.connect('a');
    const writing = put(a, 'k');
    await it.env.time.runFor(60);
    it.cluster.cut('a');
    expect(await it.run(writing)).toMatchObject({ kind: 'ambiguous' });
    expect(it.cluster.machine.get('k')?.value).toBe('k');
  });

  test('a watch is silent while cut, then goes on without a gap', async () => {
    const it = world();
    const [a, b] = [it.cluster.connect('a'), it.cluster.connect('b')];
    const events: WatchEvent[] = [];
    a.watch('', revision(0), (event) => events.push(event));
    await it.run(put(b, 'k'));
    it.cluster.cut('a');
    for (let count = 0; count < 5; count += 1) await it.run(put(b, 'k'));
    expect(events).toHaveLength(1);
    it.cluster.heal('a');
    await it.env.time.runFor(1);
    expect(events.map((event) => event.kind === 'batch' && event.batch.revision)).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
  });

  test('M13: a watch that was cut for longer than the history is told `compacted`', async () => {
    const it = world({ historyLimit: 8 });
    const [a, b] = [it.cluster.connect('a'), it.cluster.connect('b')];
    const events: WatchEvent[] = [];
    a.watch('', revision(0), (event) => events.push(event));
    it.cluster.cut('a');
    for (let count = 0; count < 20; count += 1) await it.run(put(b, 'k'));
    it.cluster.heal('a');
    await it.env.time.runFor(1);
    expect(events.map((event) => event.kind)).toEqual(['compacted']);
  });

  test('compact ends every watch from before', async () => {
    const it = world();
    const a = it.cluster.connect('a');
    await it.run(put(a, 'k'));
    it.cluster.compact();
    const events: WatchEvent[] = [];
    a.watch('', revision(0), (event) => events.push(event));
    await it.env.time.runFor(1);
    expect(events).toEqual([{ kind: 'compacted', revision: 1 }]);
  });

  test('a killed client hears nothing more; a new one of its name works', async () => {
    const it = world({ latencyMs: () => 10 });
    const a = it.cluster.connect('a');
    let answered = false;
    void put(a, 'k').then(() => {
      answered = true;
      return answered;
    });
    await it.env.time.runFor(15);
    it.cluster.kill('a');
    await it.env.time.runFor(10_000);
    expect(answered).toBe(false);
    const again = it.cluster.connect('a');
    expect((await it.run(again.get('k'))).item?.value).toBe('k');
  });

  test('closing a client ends its leadership for the others too', async () => {
    const it = world();
    const a = it.cluster.connect('a');
    await it.campaign(a, 'a');
    const waiting = it.cluster.connect('b').campaign({ candidate: 'b', signal: never });
    await it.run(a.close());
    expect((await it.run(waiting)).isValid()).toBe(true);
  });

  test('a read-only cluster refuses writes and answers reads', async () => {
    const it = world();
    const a = it.cluster.connect('a');
    it.cluster.setReadOnly('a test wants it');
    expect(await it.run(put(a, 'k'))).toMatchObject({ because: 'readOnly' });
    expect(a.status().readOnly).toBe('a test wants it');
    it.cluster.setReadOnly(null);
    expect(await it.run(put(a, 'k'))).toMatchObject({ kind: 'committed' });
  });
});

describe('a write that arrives late', () => {
  async function undecided() {
    const it = world();
    const a = it.cluster.connect('a');
    const { revision: at } = (await it.run(put(a, 'k'))) as { revision: number } & WriteOutcome;
    it.cluster.makeNextWriteAmbiguous('a', { lateMs: 500 });
    const compare: Compare = { key: 'k', target: 'mod', revision: revision(at) };
    const outcome = await it.run(put(a, 'k', [compare]));
    if (outcome.kind !== 'ambiguous') throw new Error(outcome.kind);
    return { it, a, compare, operation: outcome.operation };
  }

  test('reading finds the compared revision: undecided, and it may still commit', async () => {
    const { it, a, compare, operation } = await undecided();
    expect((await it.run(a.get('k'))).item?.modRevision).toBe(compare.revision);
    await it.env.time.runFor(500);
    expect((await it.run(a.get('k'))).item?.operations).toContain(operation);
  });

  test('a no-op that compares the same revision decides it', async () => {
    const { it, a, compare, operation } = await undecided();
    expect(await it.run(put(a, 'k', [compare]))).toMatchObject({ kind: 'committed' });
    await it.env.time.runFor(500);
    expect((await it.run(a.get('k'))).item?.operations).not.toContain(operation);
  });
});

test('the same calls give the same history, whatever the latencies', async () => {
  const historyOf = async (): Promise<string> => {
    let draw = 7;
    const it = world({ leaseMs: 700, latencyMs: () => (draw = (draw * 31) % 97) });
    const clients = ['a', 'b', 'c'].map((name) => it.cluster.connect(name));
    for (const [index, client] of clients.entries()) {
      void client.campaign({ candidate: String(index), signal: never }).catch(() => undefined);
      for (let count = 0; count < 10; count += 1) void put(client, `k${count % 3}`);
    }
    await it.env.time.runFor(5_000);
    const { machine } = it.cluster;
    return JSON.stringify(machine.list('').map(({ key, modRevision }) => [key, modRevision]));
  };
  expect(await historyOf()).toBe(await historyOf());
});
