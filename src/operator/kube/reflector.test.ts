import { afterEach, describe, expect, test } from 'vitest';
import { OperatorBench, things } from '../testing/operator-bench.ts';
import { Reflector } from './reflector.ts';

let bench = new OperatorBench();
afterEach(() => {
  bench.ending.abort();
  bench = new OperatorBench();
});

function start(onChange: (key: string) => void = () => undefined) {
  const told: string[] = [];
  const reflector = new Reflector({
    env: bench.env,
    api: bench.kube,
    resource: things,
    onChange: (key) => {
      told.push(key);
      onChange(key);
    },
  });
  void reflector.run(bench.ending.signal);
  return { reflector, told };
}

const watches = () => bench.kube.reads.filter((read) => read.query?.['watch'] === 'true');
const lists = () => bench.kube.reads.filter((read) => read.query?.['watch'] === undefined);

async function followed() {
  await bench.put('a');
  const started = start();
  await bench.wait(started.reflector.synced);
  await bench.until(() => bench.kube.openWatches === 1);
  return started;
}

describe('what it asks for', () => {
  test('a list in pages without a version, then a watch with bookmarks and an end', async () => {
    for (let n = 0; n < 7; n += 1) await bench.put(`t${n}`);
    bench.kube.pageSize = 3;
    const { reflector } = start();
    await bench.wait(reflector.synced);
    await bench.until(() => bench.kube.openWatches === 1);
    expect(reflector.store.size).toBe(7);
    expect(lists().map((list) => list.query)).toEqual([
      { limit: '500' },
      { limit: '500', continue: '3' },
      { limit: '500', continue: '6' },
    ]);
    const { allowWatchBookmarks, timeoutSeconds, resourceVersion } = watches()[0]?.query ?? {};
    expect(allowWatchBookmarks).toBe('true');
    expect(resourceVersion).toBe('107');
    expect(Number(timeoutSeconds)).toBeGreaterThanOrEqual(290);
    expect(Number(timeoutSeconds)).toBeLessThanOrEqual(590);
  });

  test('pages whose snapshot was compacted away are asked for once more from the start', async () => {
    for (let n = 0; n < 4; n += 1) await bench.put(`t${n}`);
    bench.kube.pageSize = 3;
    const { reflector } = start();
    bench.kube.nextReadFailures.push({ kind: 'gone', message: 'too old' });
    await bench.wait(reflector.synced);
    expect(reflector.store.size).toBe(4);
  });
});

describe('what it tells', () => {
  test('objects that came, changed and went, by key', async () => {
    const { reflector, told } = await followed();
    await bench.put('b');
    await bench.put('a', { size: 2 });
    await bench.remove('a');
    expect(told).toEqual(['default/a', 'default/b', 'default/a', 'default/a']);
    expect(reflector.store.keys()).toEqual(['default/b']);
  });

  test('an object that vanished while nobody looked is told after the next list', async () => {
    const { reflector, told } = await followed();
    bench.kube.isDown = true;
    bench.kube.endWatches();
    bench.kube.isDown = false;
    bench.kube.nextWatchEnds.push({
      kind: 'failed',
      failure: { kind: 'gone', message: 'too old' },
    });
    await bench.remove('a');
    await bench.until(() => reflector.store.size === 0);
    expect(told).toEqual(['default/a', 'default/a']);
  });

  test('an object that was made anew under the same name is a change, whatever its version', async () => {
    const { reflector, told } = await followed();
    await bench.remove('a');
    await bench.put('a');
    expect(reflector.store.get('default/a')?.metadata.uid).toMatch(/2$/);
    expect(told.length).toBe(3);
  });
});

describe('it never ends but by its signal', () => {
  test('reset: a connection that breaks is a watch from the last version again', async () => {
    const { reflector } = await followed();
    const before = lists().length;
    bench.kube.endWatches({ kind: 'failed', failure: { kind: 'transport', message: 'reset' } });
    await bench.until(() => bench.kube.openWatches === 1);
    expect(watches().length).toBe(2);
    expect(lists().length).toBe(before);
    await bench.put('late');
    expect(reflector.store.size).toBe(2);
  });

  test('list503: a list that fails is tried again, and it is synced only after a complete one', async () => {
    await bench.put('a');
    bench.kube.nextReadFailures.push(
      { kind: 'unavailable', message: '503' },
      { kind: 'transport', message: 'reset' },
    );
    const { reflector } = start();
    let isSynced = false;
    const watching = async () => {
      await reflector.synced;
      isSynced = true;
    };
    void watching();
    await bench.until(() => lists().length === 1);
    expect(isSynced).toBe(false);
    await bench.until(() => isSynced);
    expect(lists().length).toBe(3);
    expect(reflector.store.size).toBe(1);
  });

  test('close: an orderly end of a healthy watch is followed by another at once', async () => {
    await followed();
    await bench.time.runFor(6000);
    bench.kube.endWatches();
    await bench.until(() => bench.kube.openWatches === 1, 1);
    expect(watches().length).toBe(2);
  });

  test('close: watches that end as soon as they begin are slowed down', async () => {
    await bench.put('a');
    for (let n = 0; n < 1000; n += 1) {
      bench.kube.nextWatchEnds.push({ kind: 'closed', droppedBytes: 0 });
    }
    start();
    await bench.time.runFor(7000);
    expect(watches().length).toBeGreaterThan(3);
    expect(watches().length).toBeLessThan(20);
  });

  test('err500: an ERROR event is counted and slowed down, and the watch goes on', async () => {
    const { reflector } = await followed();
    bench.kube.sendToWatches({ type: 'ERROR', object: { code: 500, message: 'etcd is ill' } });
    await bench.until(() => bench.kube.openWatches === 1);
    expect(reflector.counts.failures.get('unavailable')).toBe(1);
    expect(bench.log.entries('warn').some((line) => line.message.includes('etcd is ill'))).toBe(
      true,
    );
  });

  test('throw: a handler that throws is counted, and nothing else', async () => {
    await bench.put('a');
    const { reflector } = start(() => {
      throw new Error('a defect of ours');
    });
    await bench.wait(reflector.synced);
    await bench.until(() => bench.kube.openWatches === 1);
    await bench.put('b');
    expect(reflector.counts.handlerErrors).toBe(2);
    expect(reflector.store.size).toBe(2);
    expect(bench.kube.openWatches).toBe(1);
  });

  test('partial: a last line without an end is dropped, counted, and slows the next watch down', async () => {
    await bench.put('a');
    for (let n = 0; n < 1000; n += 1) {
      bench.kube.nextWatchEnds.push({ kind: 'closed', droppedBytes: 17 });
    }
    const { reflector } = start();
    await bench.time.runFor(7000);
    expect(reflector.counts.droppedTails).toBe(watches().length);
    expect(watches().length).toBeLessThan(20);
    expect(new Set(watches().map((watch) => watch.query?.['resourceVersion']))).toEqual(
      new Set(['101']),
    );
  });

  test('busy: a server that is starting is waited for as long as it asks', async () => {
    await bench.put('a');
    bench.kube.nextWatchEnds.push({
      kind: 'failed',
      failure: { kind: 'throttled', message: 'storage is (re)initializing', retryAfterMs: 3000 },
    });
    const { reflector } = start();
    await bench.wait(reflector.synced);
    const beganMs = bench.time.nowMs;
    await bench.until(() => bench.kube.openWatches === 1);
    expect(bench.time.nowMs - beganMs).toBeGreaterThanOrEqual(3000);
  });

  test('gone: a version that was compacted away leads to a list at once, a second time to a pause', async () => {
    const { reflector } = await followed();
    bench.kube.nextWatchEnds.push({
      kind: 'failed',
      failure: { kind: 'gone', message: 'too old' },
    });
    bench.kube.endWatches({ kind: 'failed', failure: { kind: 'gone', message: 'too old' } });
    await bench.until(() => bench.kube.openWatches === 1);
    expect(reflector.counts.lists).toBe(3);
    expect(reflector.counts.failures.get('gone')).toBe(2);
  });

  test('gone: inside a stream that was answered with 200 it is the same', async () => {
    const { reflector } = await followed();
    bench.kube.compact();
    await bench.put('b');
    bench.kube.compact();
    bench.kube.sendToWatches({ type: 'ERROR', object: { code: 410, message: 'too old' } });
    await bench.until(() => bench.kube.openWatches === 1);
    expect(reflector.counts.lists).toBe(2);
    expect(reflector.store.size).toBe(2);
  });

  test('silent: a peer that is gone without a word is noticed 90 s after its last bookmark', async () => {
    await followed();
    await bench.time.runFor(61_000);
    bench.kube.sendsBookmarks = false;
    const beganMs = bench.time.nowMs;
    await bench.until(() => watches().length === 2, 120_000);
    expect(bench.time.nowMs - beganMs).toBeLessThan(91_000);
  });

  test('silent: a server that never sends bookmarks is given until the end that was asked for', async () => {
    bench.kube.sendsBookmarks = false;
    await followed();
    await bench.time.runFor(280_000);
    expect(watches().length).toBe(1);
    await bench.until(() => watches().length === 2, 400_000);
  });

  test('a missing right is not fatal: it is named, and over when the right is there', async () => {
    await bench.put('a');
    bench.kube.nextReadFailures.push({ kind: 'forbidden', message: 'may not list things' });
    const { reflector } = start();
    await bench.until(() => reflector.refusal !== null);
    expect(reflector.refusal).toBe('may not list things');
    await bench.wait(reflector.synced);
    expect(reflector.refusal).toBe(null);
  });

  test('an event that is not understood ends the watch, not the reflector', async () => {
    const { reflector } = await followed();
    bench.kube.sendToWatches({ type: 'ADDED', object: { metadata: {} } });
    bench.kube.sendToWatches(null);
    await bench.until(() => bench.kube.openWatches === 1);
    expect(reflector.store.size).toBe(1);
    expect(reflector.counts.failures.get('transport')).toBe(1);
  });

  test('the signal ends it at once, also in a pause', async () => {
    bench.kube.isDown = true;
    const reflector = new Reflector({
      env: bench.env,
      api: bench.kube,
      resource: things,
      onChange: () => undefined,
    });
    const ended = reflector.run(bench.ending.signal);
    await bench.time.runFor(30_000);
    const asked = lists().length;
    bench.ending.abort();
    await bench.wait(ended, 1);
    await bench.time.runFor(30_000);
    expect(lists().length).toBe(asked);
  });
});
