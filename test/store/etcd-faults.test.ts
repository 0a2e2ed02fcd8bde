import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { clusterId, operationId } from '../../src/core/model/ids.ts';
import { openEtcdStore } from '../../src/store/etcd/open-etcd-store.ts';
import { methods } from '../../src/store/etcd/rpc/methods.ts';
import type { EtcdSettings, EtcdTimes } from '../../src/store/etcd/settings.ts';
import { StoreUnavailable, type Store, type WatchEvent } from '../../src/store/store.ts';
import { campaign, collect, commit, modIs, put, remove, write } from './conformance-tools.ts';
import { FakeEtcd, type Behaviour } from './etcd/fake-etcd.ts';
import { etcdEnv } from './etcd/etcd-harness.ts';

/* What a real etcd cannot be brought to do, against a server that does it on purpose. */

let fake: FakeEtcd;
const stores: Store[] = [];
beforeEach(async () => {
  fake = await FakeEtcd.start();
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  fake.stop();
});

const times: EtcdTimes = { deadlineMs: 600, leaseTtlS: 2, watchProbeMs: 150, statusMs: 1_000 };

async function open(
  options: { env?: ReturnType<typeof etcdEnv>; user?: EtcdSettings['user'] } = {},
): Promise<Store> {
  const store = await openEtcdStore({
    env: options.env ?? etcdEnv(),
    clusterId: clusterId('cluster'),
    settings: { endpoints: [fake.endpoint], tls: null, user: options.user ?? null },
    times,
  });
  stores.push(store);
  return store;
}

/** The first writes do as told, all later ones are answered. */
function inTurn(...behaviours: readonly Behaviour[]): () => Behaviour {
  const left = [...behaviours];
  return () => left.shift() ?? 'answer';
}

const heading = '{"operations":["op"]}\n';
function eventAt(modRevision: number, key: string) {
  const encode = (text: string) => new TextEncoder().encode(text);
  return {
    kv: {
      key: encode(`/kennel/cluster/data/${key}`),
      value: encode(heading),
      createRevision: modRevision,
      modRevision,
    },
  };
}

describe('a write', () => {
  test('E3: that was committed and answered with UNAVAILABLE is sent once, ambiguous, and found by its operation id', async () => {
    const store = await open();
    fake.onWrite = inTurn('commitThenUnavailable');
    const before = fake.count(methods.txn);
    const operation = operationId('mine');
    const outcome = await store.txn({
      operation,
      compare: [modIs('vm/1', 0)],
      then: [put('vm/1', 'x')],
    });
    expect(outcome).toMatchObject({ kind: 'ambiguous', operation });
    expect(fake.count(methods.txn) - before).toBe(1);
    expect((await store.get('vm/1')).item?.operations).toEqual([operation]);
  });

  test.each(['hang', 'unavailable'] as const)(
    'E3: that ends in %s is ambiguous and not repeated',
    async (behaviour) => {
      const store = await open();
      fake.onWrite = inTurn(behaviour);
      const before = fake.count(methods.txn);
      expect(await write(store, [put('k', '1')])).toMatchObject({ kind: 'ambiguous' });
      expect(fake.count(methods.txn) - before).toBe(1);
      expect((await store.get('k')).item).toBeNull();
    },
  );

  test('that no server could take is refused as not sent', async () => {
    const store = await open();
    fake.stop();
    await vi.waitFor(async () => {
      expect(await write(store, [put('k', '1')])).toMatchObject({
        kind: 'refused',
        because: 'notSent',
      });
    }, 5_000);
  });

  test('whose pin alone was out of date is built anew; the compares of the caller decide', async () => {
    const [mine, other] = [await open(), await open()];
    await commit(mine, [put('k', '1')]);
    const at = await commit(other, [put('k', '2'), put('guard', '')]);
    await commit(mine, [put('k', '3')], [modIs('guard', at)]);
    const { item } = await other.get('k');
    expect([item?.value, item?.operations.length]).toEqual(['3', 3]);
    expect(await write(mine, [put('k', '4')], [modIs('guard', at - 1)])).toMatchObject({
      kind: 'refused',
      because: 'compare',
      current: [{ key: 'guard', modRevision: at }],
    });
  });
});

test('what something else wrote under the keys of the cluster is never decided on', async () => {
  const store = await open();
  fake.keys.plant('/kennel/cluster/data/k', 'not ours');
  await expect(store.get('k')).rejects.toBeInstanceOf(StoreUnavailable);
  for (const compare of [[], [modIs('k', 0)], [modIs('k', 5)]]) {
    const outcome = await write(store, [put('k', '1')], compare);
    expect(outcome).toMatchObject({ kind: 'refused', because: 'notSent' });
  }
});

test('another etcd cluster behind the same address ends the store', async () => {
  const store = await open();
  const leader = await campaign(store, 'a');
  fake.clusterId = 8n;
  await expect(store.get('k')).rejects.toBeInstanceOf(StoreUnavailable);
  expect([leader.isValid(), store.status().hasQuorum]).toEqual([false, false]);
  expect(await write(store, [put('k', '1')])).toMatchObject({ because: 'notSent' });
});

test('M8: writes are refused before they are sent while etcd has no space, deletions are not', async () => {
  const store = await open();
  await commit(store, [put('k', '1')]);
  fake.onWrite = inTurn('outOfSpace');
  expect(await write(store, [put('k', '2')])).toMatchObject({ kind: 'ambiguous' });
  const before = fake.count(methods.txn);
  expect(await write(store, [put('k', '3')])).toMatchObject({ because: 'readOnly' });
  expect(fake.count(methods.txn)).toBe(before);
  expect(store.status().readOnly).toContain('NOSPACE');
  expect(await write(store, [remove('k')])).toMatchObject({ kind: 'committed' });
  // The members are asked again, and say that all is well.
  await vi.waitFor(() => expect(store.status().readOnly).toBeNull(), 5_000);
  await commit(store, [put('k', '4')]);
});

describe('a watch', () => {
  test('E4: that is torn before its backlog was delivered starts again at the same revision', async () => {
    const store = await open();
    fake.keys.revision = 100;
    fake.onWatch = (stream, number) => {
      stream.write({ header: { clusterId: 7n, revision: 100 }, created: true });
      if (number <= 2) setTimeout(() => stream.destroy(new Error('gone')), 50);
      else
        stream.write({
          header: { revision: 100 },
          events: [eventAt(50, 'a'), eventAt(51, 'b'), eventAt(60, 'b')],
        });
    };
    const { events, stop } = collect(store, '', 50);
    await vi.waitFor(() => expect(events).toHaveLength(2), 5_000);
    stop();
    expect(fake.startRevisions).toEqual([50, 50, 50]);
    expect(events.map((event) => event.kind === 'batch' && event.batch.revision)).toEqual([51, 60]);
  });

  test('E4: goes on from what was delivered, and from a progress notification of its own', async () => {
    const store = await open();
    fake.onWatch = (stream, number) => {
      stream.write({ header: { revision: 100 }, created: true });
      if (number === 1) stream.write({ header: { revision: 100 }, events: [eventAt(70, 'a')] });
      // The answer to a request for progress may have overtaken events.
      if (number === 2) stream.write({ header: { revision: 90 }, watchId: -1 });
      if (number === 3) stream.write({ header: { revision: 95 }, events: [] });
      if (number <= 3) setTimeout(() => stream.destroy(new Error('gone')), 50);
    };
    const { stop } = collect(store, '', 50);
    await vi.waitFor(() => expect(fake.startRevisions).toEqual([50, 70, 70, 95]), 5_000);
    stop();
  });

  test('E5: of a compacted revision says so, with the revision, and ends', async () => {
    const store = await open();
    fake.onWatch = (stream) => {
      stream.write({ header: { revision: 100 }, created: true });
      stream.write({ header: { revision: 100 }, canceled: true, compactRevision: 80 });
    };
    const { events } = collect(store, '', 50);
    await vi.waitFor(() => expect(events).toEqual([{ kind: 'compacted', revision: 80 }]));
    expect(fake.startRevisions).toEqual([50]);
  });

  test('E6: that falls silent is set up again, once its probe has no answer', async () => {
    const store = await open();
    fake.answersProgress = false;
    const { stop } = collect(store, '', 1);
    await vi.waitFor(() => expect(fake.startRevisions.length).toBeGreaterThan(1), 5_000);
    stop();
  });

  test('E8: takes a response for a watch that it does not know for a sign of life and no more', async () => {
    const store = await open();
    fake.onWatch = (stream) => {
      stream.write({ header: { revision: 100 }, created: true });
      for (const watchId of [-1, 42]) stream.write({ header: { revision: 120 }, watchId });
      stream.write({ header: { revision: 121 }, watchId: 42, events: [eventAt(121, 'other')] });
      stream.write({ header: { revision: 122 }, events: [eventAt(122, 'own')] });
    };
    const { events, stop } = collect(store, '', 50);
    await vi.waitFor(() => expect(events).toHaveLength(1));
    stop();
    expect(events).toMatchObject([{ kind: 'batch', batch: { revision: 122 } }]);
    expect(fake.startRevisions).toHaveLength(1);
  });

  test('on what something else wrote under its keys ends with that reason', async () => {
    const store = await open();
    fake.onWatch = (stream) => {
      const { kv } = eventAt(60, 'a');
      const value = new TextEncoder().encode('not ours');
      stream.write({ header: { revision: 100 }, events: [{ kv: { ...kv, value } }] });
    };
    const { events } = collect(store, '', 50);
    await vi.waitFor(() => expect(events).toMatchObject([{ kind: 'closed' }]));
    expect((events[0] as Extract<WatchEvent, { kind: 'closed' }>).reason).toContain(
      'other than Kennel',
    );
  });
});

describe('what goes wrong in one place', () => {
  test('E10: five failures in a row leave the next call as it is', async () => {
    const store = await open();
    fake.onWrite = inTurn(...Array.from({ length: 5 }, () => 'unavailable' as const));
    for (let index = 0; index < 5; index += 1) {
      expect(await write(store, [put('k', '')])).toMatchObject({ kind: 'ambiguous' });
    }
    await commit(store, [put('k', 'now')]);
  });

  test('E10: calls that run into their deadline leave the watch and the lease alone', async () => {
    const store = await open();
    const leader = await campaign(store, 'a');
    const { stop } = collect(store, '', 1);
    await vi.waitFor(() => expect(fake.startRevisions).toHaveLength(1));
    fake.onWrite = () => 'hang';
    fake.onRead = () => 'hang';
    const calls = Array.from({ length: 6 }, (_, index) => write(store, [put(`k${index}`, '')]));
    for (const outcome of await Promise.all(calls)) expect(outcome.kind).toBe('ambiguous');
    await expect(store.get('k')).rejects.toBeInstanceOf(StoreUnavailable);
    // Longer than the lease without its renewals.
    const renewals = fake.count(methods.leaseKeepAlive);
    await vi.waitFor(
      () => expect(fake.count(methods.leaseKeepAlive)).toBeGreaterThan(renewals + 6),
      5_000,
    );
    expect([leader.isValid(), fake.startRevisions.length]).toEqual([true, 1]);
    fake.onWrite = fake.onRead = () => 'answer';
    stop();
  });

  test('E6: a read has its answer from another attempt, or fails at its deadline', async () => {
    const store = await open();
    fake.onRead = inTurn('hang', 'unavailable');
    expect((await store.get('k')).item).toBeNull();
    fake.onRead = () => 'hang';
    const startedMs = performance.now();
    await expect(store.get('k')).rejects.toBeInstanceOf(StoreUnavailable);
    expect(performance.now() - startedMs).toBeLessThan(times.deadlineMs + 300);
    fake.onRead = () => 'answer';
  });
});

describe('a leadership', () => {
  test('M2: is over in the very turn in which its holder wakes up too late', async () => {
    const env = etcdEnv();
    let sleptMs = 0;
    const { clock } = env;
    const store = await open({
      env: { ...env, clock: { ...clock, monotonicMs: () => clock.monotonicMs() + sleptMs } },
    });
    const leader = await campaign(store, 'a');
    expect(leader.isValid()).toBe(true);
    sleptMs = times.leaseTtlS * 1000;
    expect([leader.isValid(), leader.lost.aborted]).toEqual([false, true]);
    sleptMs = 0;
    expect(leader.isValid()).toBe(false);
  });

  test('C4: ends by a suspend that the monotonic clock does not see', async () => {
    const env = etcdEnv();
    let suspendedMs = 0;
    const { clock } = env;
    const store = await open({
      env: { ...env, clock: { ...clock, boottimeMs: () => clock.boottimeMs() + suspendedMs } },
    });
    const leader = await campaign(store, 'a');
    suspendedMs = times.leaseTtlS * 1000;
    expect(leader.isValid()).toBe(false);
  });

  test('E2: without renewals is lost before the server can let the key go, and a step of the wall clock changes nothing', async () => {
    const store = await open();
    const leader = await campaign(store, 'a');
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      for (const hours of [1, -1]) {
        vi.setSystemTime(Date.now() + hours * 3_600_000);
        const renewals = fake.count(methods.leaseKeepAlive);
        await vi.waitFor(
          () => expect(fake.count(methods.leaseKeepAlive)).toBeGreaterThan(renewals + 4),
          { timeout: 10_000 },
        );
        expect(leader.isValid()).toBe(true);
      }
    } finally {
      vi.useRealTimers();
    }
    fake.answersRenewals = false;
    // A server counts the lease from there; in that very turn the holder does not count on it.
    const goneMs = fake.renewedMs + times.leaseTtlS * 1000;
    let isValidAtTheEnd: boolean | null = null;
    await vi.waitFor(() => {
      expect(performance.now()).toBeGreaterThanOrEqual(goneMs);
      isValidAtTheEnd = leader.isValid();
    }, 10_000);
    expect([isValidAtTheEnd, leader.lost.aborted]).toEqual([false, true]);
  });

  test('continues above the epoch base that a migration left', async () => {
    const store = await open();
    await commit(store, [put('epoch-base', '5000')]);
    const leader = await campaign(store, 'a');
    expect(leader.epoch).toBe(5000 + leader.createRevision);
    await leader.resign();
  });
});

describe('a user', () => {
  const user = { name: 'kennel', password: 'secret' };

  test('is authenticated once, and again when a server has lost the token', async () => {
    const store = await open({ user });
    await commit(store, [put('k', '1')]);
    await commit(store, [put('k', '2')]);
    expect([fake.authentications, ...fake.tokens]).toEqual([1, 'token-1', 'token-1']);
    fake.onRead = inTurn('tokenRefused');
    await store.get('k');
    await commit(store, [put('k', '3')]);
    expect([fake.authentications, fake.tokens.at(-1)]).toEqual([2, 'token-2']);
  });

  test('whose token is refused on a write has an ambiguous write, and the next one works', async () => {
    const store = await open({ user });
    fake.onWrite = inTurn('tokenRefused');
    expect(await write(store, [put('k', '1')])).toMatchObject({ kind: 'ambiguous' });
    await commit(store, [put('k', '2')]);
    expect(fake.tokens).toEqual(['token-1', 'token-2']);
  });
});

test('a server below 3.4 is refused when the store is opened', async () => {
  fake.version = '3.3.27';
  await expect(open()).rejects.toMatchObject({ name: 'EtcdUnusable' });
});
