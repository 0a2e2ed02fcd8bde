import { describe, expect, test } from 'vitest';
import { SimDisk } from '../../chaos/sim/disk.ts';
import { operationId, revision } from '../../src/core/model/ids.ts';
import { StoreUnavailable, type Store, type WriteOutcome } from '../../src/store/store.ts';
import type { RaftStoreLimits } from '../../src/store/raft/limits.ts';
import { openOn } from './solo-harness.ts';
import { settle, virtualEnv } from './virtual-env.ts';

let operations = 0;

function put(store: Store, keys: readonly string[], value = 'x'): Promise<WriteOutcome> {
  operations += 1;
  return store.txn({
    operation: operationId(`op-${operations}`),
    compare: [],
    then: keys.map((key) => ({ kind: 'put', key, value })),
  });
}

interface World {
  readonly store: Store;
  readonly disk: SimDisk;
  readonly env: ReturnType<typeof virtualEnv>;
  readonly fatal: Error[];
  readonly run: <Value>(promise: Promise<Value>) => Promise<Value>;
}

async function world(
  options: { readonly latencyMs?: () => number; readonly limits?: Partial<RaftStoreLimits> } = {},
): Promise<World> {
  const env = virtualEnv();
  const latencyMs = options.latencyMs ?? (() => 0);
  const disk = new SimDisk({
    timers: env.timers,
    latencyMs: (operation, path) =>
      operation === 'datasync' && path.includes('log-') ? latencyMs() : 0,
  });
  const fatal: Error[] = [];
  const run = <Value>(promise: Promise<Value>): Promise<Value> => settle(env.time, promise);
  const store = await run(open(disk, env, fatal, options.limits));
  return { store, disk, env, fatal, run };
}

function open(
  disk: SimDisk,
  env: ReturnType<typeof virtualEnv>,
  fatal: Error[],
  limits: Partial<RaftStoreLimits> = { snapshotEntries: 1_000 },
): Promise<Store> {
  return openOn(disk.attach('store'), {
    env,
    limits: { ...limits, segmentBytes: 2_000, reserveBytes: 6_000, spaceCheckMs: 5_000 },
    onFatal: (error) => fatal.push(error),
  });
}

describe('M8: a full disk', () => {
  async function fill({ store, disk, run }: World): Promise<void> {
    disk.setCapacity(disk.usedBytes + 300);
    for (let count = 0; count < 20; count += 1) {
      const outcome = await run(put(store, [`vm/${count}`]));
      if (outcome.kind === 'committed') continue;
      expect(outcome).toMatchObject({ kind: 'refused', because: 'readOnly' });
      return;
    }
    throw new Error('the disk never filled up');
  }

  test('ordinary writes are refused as read-only and status says why; reads go on', async () => {
    const it = await world();
    await fill(it);
    expect(it.store.status()).toMatchObject({ hasQuorum: true });
    expect(it.store.status().readOnly).toContain('no space left');
    expect(await it.run(put(it.store, ['vm/new']))).toMatchObject({ because: 'readOnly' });
    expect((await it.run(it.store.get('vm/new'))).item).toBeNull();
    expect((await it.run(it.store.get('vm/0'))).item?.value).toBe('x');
    expect(it.env.log.lines.filter((line) => line.level === 'error')).toHaveLength(1);
    expect(it.fatal).toEqual([]);
  });

  test('fence intents, failover records and node states still commit, from the reserve', async () => {
    const it = await world();
    await fill(it);
    for (const keys of [['fence/F-1', 'node/n1'], ['failover/FO-1'], ['fence/F-1']]) {
      expect(await it.run(put(it.store, keys))).toMatchObject({ kind: 'committed' });
    }
    // With the barrier, the event and the permit that a leader writes beside them.
    const together = ['barrier', 'fence/F-1', 'event/000000000001', 'vm/a'];
    expect(await it.run(put(it.store, together))).toMatchObject({ kind: 'committed' });
    expect(await it.run(put(it.store, ['barrier', 'vm/a']))).toMatchObject({ because: 'readOnly' });
  });

  test('what was taken before the disk was found full is committed from the reserve', async () => {
    const it = await world();
    it.disk.setCapacity(it.disk.usedBytes + 10);
    const outcomes = await it.run(
      Promise.all([put(it.store, ['vm/a']), put(it.store, ['fence/F-1'])]),
    );
    expect(outcomes).toMatchObject([
      { kind: 'committed', revision: 1 },
      { kind: 'committed', revision: 2 },
    ]);
    expect(await it.run(put(it.store, ['vm/b']))).toMatchObject({ because: 'readOnly' });
  });

  test('a new leader can be elected on a full disk', async () => {
    const it = await world();
    await fill(it);
    const { signal } = new AbortController();
    const leader = await it.run(it.store.campaign({ candidate: 'a', signal }));
    expect(leader.isValid()).toBe(true);
  });

  test('when the reserve is used up too nothing is acknowledged, and what waits is written later', async () => {
    const it = await world();
    await fill(it);
    let last: WriteOutcome | null = null;
    for (let count = 0; count < 200 && last?.kind !== 'ambiguous'; count += 1) {
      last = await it.run(put(it.store, ['fence/F-1'], 'y'.repeat(200)));
    }
    expect(last).toMatchObject({ kind: 'ambiguous' });
    expect(it.fatal).toEqual([]);
    it.disk.setCapacity(Number.POSITIVE_INFINITY);
    await it.env.time.runFor(10_000);
    const { item } = await it.run(it.store.get('fence/F-1'));
    expect(item?.operations.at(-1)).toBe(last?.kind === 'ambiguous' ? last.operation : null);
  });

  test('with space again all writes are taken, after at most one check interval', async () => {
    const it = await world();
    await fill(it);
    await it.env.time.runFor(60_000);
    expect(it.store.status().readOnly).not.toBeNull();
    it.disk.setCapacity(Number.POSITIVE_INFINITY);
    await it.env.time.runFor(5_000);
    expect(it.store.status().readOnly).toBeNull();
    expect(await it.run(put(it.store, ['vm/new']))).toMatchObject({ kind: 'committed' });
    await fill(it);
    expect(await it.run(put(it.store, ['fence/F-2']))).toMatchObject({ kind: 'committed' });
  });

  test('what was refused does not come back after a crash; what was committed does', async () => {
    const it = await world();
    await fill(it);
    await it.run(put(it.store, ['vm/refused']));
    await it.run(put(it.store, ['fence/F-1']));
    const before = await it.run(it.store.list(''));
    it.disk.crash({ content: 'all', names: 'all' });
    const again = await it.run(open(it.disk, it.env, []));
    expect(await it.run(again.list(''))).toEqual(before);
    // Still full, and the reserve is gone: it starts read-only.
    expect(again.status().readOnly).toContain('no space left');
    expect(await it.run(put(again, ['vm/x']))).toMatchObject({ because: 'readOnly' });
    expect(await it.run(put(again, ['fence/F-1']))).toMatchObject({ kind: 'committed' });
  });

  test('a snapshot that does not fit does not make the store read-only', async () => {
    const it = await world({ limits: { snapshotEntries: 12 } });
    it.disk.inject({ operation: 'write', path: 'snapshot-', code: 'ENOSPC', times: 1 });
    for (let count = 0; count < 30; count += 1) {
      expect(await it.run(put(it.store, ['vm/a']))).toMatchObject({ kind: 'committed' });
    }
    // The one that every store begins with.
    const [first] = it.disk.paths().filter((path) => path.endsWith('.snap'));
    await it.env.time.runFor(5_000);
    await it.run(put(it.store, ['vm/a']));
    await it.env.time.runFor(10);
    const snapshots = it.disk.paths().filter((path) => path.endsWith('.snap'));
    expect(snapshots.some((path) => path > (first ?? ''))).toBe(true);
  });
});

describe('M6: a disk that fails', () => {
  test('a failed sync is fatal once: in flight and queued ambiguous, later not sent', async () => {
    const it = await world({ latencyMs: () => 10 });
    const { signal } = new AbortController();
    const leader = await it.run(it.store.campaign({ candidate: 'a', signal }));
    const events: string[] = [];
    it.store.watch('', leader.createRevision, (event) => events.push(event.kind));
    it.disk.inject({ operation: 'datasync', path: 'log-', code: 'EIO' });
    const inFlight = put(it.store, ['a']);
    await it.env.time.runFor(5);
    const queued = put(it.store, ['b']);
    expect(await it.run(inFlight)).toMatchObject({ kind: 'ambiguous' });
    expect(await it.run(queued)).toMatchObject({ kind: 'ambiguous' });
    const before = it.disk.operations;
    expect(await it.run(put(it.store, ['c']))).toMatchObject({ because: 'notSent' });
    await expect(it.store.get('a')).rejects.toBeInstanceOf(StoreUnavailable);
    expect(it.fatal).toHaveLength(1);
    expect([leader.isValid(), leader.lost.aborted, await it.run(leader.confirm())]).toEqual([
      false,
      true,
      false,
    ]);
    expect(it.store.status()).toMatchObject({ hasQuorum: false, members: [{ healthy: false }] });
    expect(events).toEqual(['closed']);
    expect(it.disk.operations).toBe(before);
  });

  test.each(['write', 'truncate'] as const)('a failed %s is fatal too', async (operation) => {
    const it = await world();
    // A truncation happens only after a write that did not fit.
    if (operation === 'truncate') it.disk.setCapacity(it.disk.usedBytes + 10);
    it.disk.inject({ operation, path: 'log-', code: 'EIO' });
    expect(await it.run(put(it.store, ['a']))).toMatchObject({ kind: 'ambiguous' });
    expect(it.fatal).toHaveLength(1);
  });

  test('a snapshot whose sync fails is fatal', async () => {
    const it = await world({ limits: { snapshotEntries: 12 } });
    it.disk.inject({ operation: 'datasync', path: 'snapshot-', code: 'EIO' });
    for (let count = 0; count < 30; count += 1) await it.run(put(it.store, ['vm/a']));
    expect(it.fatal).toHaveLength(1);
    expect(await it.run(put(it.store, ['vm/a']))).toMatchObject({ because: 'notSent' });
  });
});

describe('M5: a disk that is slow', () => {
  test('a write without answer is ambiguous at its deadline and commits later', async () => {
    let delayMs = 0;
    const it = await world({ latencyMs: () => delayMs });
    delayMs = 5_000;
    const startMs = it.env.clock.monotonicMs();
    const first = put(it.store, ['a']);
    await it.env.time.runFor(1_000);
    const second = put(it.store, ['b']);
    expect(it.store.status().syncMs).toBe(1_000);
    expect(await it.run(first)).toMatchObject({ kind: 'ambiguous' });
    expect(it.env.clock.monotonicMs() - startMs).toBe(2_000);
    expect((await it.run(it.store.get('a'))).item).toBeNull();
    expect(await it.run(second)).toMatchObject({ kind: 'ambiguous' });
    await it.env.time.runFor(2_000);
    expect((await it.run(it.store.get('a'))).item?.value).toBe('x');
    expect(it.store.status().syncMs).toBe(5_000);
    await it.env.time.runFor(20_000);
    expect((await it.run(it.store.get('b'))).item?.value).toBe('x');
  });

  test('a campaign over a slow disk wins once, with the write that went through', async () => {
    let delayMs = 0;
    const it = await world({ latencyMs: () => delayMs });
    delayMs = 3_000;
    const { signal } = new AbortController();
    const leader = await it.run(it.store.campaign({ candidate: 'a', signal }));
    const { item } = await it.run(it.store.get(leader.key));
    expect(item?.createRevision).toBe(leader.createRevision);
  });

  test('writes wait with a bound: what the store does not take is refused', async () => {
    let delayMs = 0;
    const it = await world({ latencyMs: () => delayMs });
    delayMs = 10_000;
    const outcomes = await it.run(
      Promise.all(Array.from({ length: 80 }, () => put(it.store, ['a'], 'z'.repeat(500_000)))),
    );
    const kinds = new Set(outcomes.map((one) => (one.kind === 'refused' ? one.because : one.kind)));
    expect(kinds).toEqual(new Set(['ambiguous', 'notSent']));
  });
});

describe('grouped commits', () => {
  test('txns of one turn share one sync; txns during a sync share the next', async () => {
    let syncs = 0;
    const it = await world({
      latencyMs: () => {
        syncs += 1;
        return 10;
      },
    });
    syncs = 0;
    const first = Array.from({ length: 5 }, (_, index) => put(it.store, [`a${index}`]));
    await it.env.time.runFor(5);
    expect(syncs).toBe(1);
    const second = Array.from({ length: 7 }, (_, index) => put(it.store, [`b${index}`]));
    await it.run(Promise.all([...first, ...second]));
    expect(syncs).toBe(2);
    expect(it.store.status().revision).toBe(revision(12));
  });

  test('close refuses what comes after, and what was acknowledged is there again', async () => {
    const it = await world({ latencyMs: () => 10 });
    expect(await it.run(put(it.store, ['a']))).toMatchObject({ kind: 'committed' });
    const closing = it.store.close();
    expect(await it.run(put(it.store, ['b']))).toMatchObject({ because: 'notSent' });
    await it.run(closing);
    const again = await it.run(open(it.disk, it.env, []));
    expect((await it.run(again.get('a'))).item?.value).toBe('x');
  });
});

describe('opening', () => {
  test('a directory in use is refused, and free once its store is closed', async () => {
    const it = await world();
    await expect(it.run(open(it.disk, it.env, []))).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      because: expect.stringContaining('store'),
    });
    await it.run(it.store.close());
    const again = await it.run(open(it.disk, it.env, []));
    await it.run(again.close());
  });

  test('a refused start leaves the lock free', async () => {
    const it = await world();
    await it.run(it.store.close());
    const [path = ''] = it.disk.paths().filter((name) => name.endsWith('.seg'));
    it.disk.flip(path, 3);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(it.run(open(it.disk, it.env, []))).rejects.toMatchObject({
        code: 'STORE_LOG_DAMAGED',
      });
    }
  });
});
