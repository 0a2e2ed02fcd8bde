import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { EtcdTimes } from '../../src/store/etcd/settings.ts';
import { openEtcdStore } from '../../src/store/etcd/open-etcd-store.ts';
import { clusterId } from '../../src/core/model/ids.ts';
import { StoreUnavailable, type Leadership, type Store } from '../../src/store/store.ts';
import { campaign, changesOf, collect, commit, modIs, put, write } from './conformance-tools.ts';
import { EtcdCluster } from './etcd/etcd-cluster.ts';
import {
  connectLinked,
  endLeases,
  etcdEnv,
  testTimes,
  type LinkedStore,
} from './etcd/etcd-harness.ts';

let name = randomUUID();
const open: LinkedStore[] = [];
async function connect(
  cluster: EtcdCluster,
  members: readonly number[] = [...cluster.members.keys()],
  times: Partial<EtcdTimes> = {},
): Promise<LinkedStore> {
  const endpoints = cluster.endpoints.filter((_, index) => members.includes(index));
  const client = await connectLinked(endpoints, name, { times });
  open.push(client);
  return client;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
  name = randomUUID();
});

describe('one member', () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await EtcdCluster.start(1);
  });
  afterAll(() => cluster.remove());

  test('E1: a candidate whose lease was taken away never wins with the key that it lost', async () => {
    const [a, b, c] = [await connect(cluster), await connect(cluster), await connect(cluster)];
    const first = await campaign(a.store, 'A');
    const wins: { readonly who: string; readonly leadership: Leadership }[] = [];
    const stand = async (store: Store, who: string): Promise<void> => {
      wins.push({ who, leadership: await campaign(store, who) });
    };
    const candidates = async () => (await a.store.list('leader/')).items.map((item) => item.value);
    const second = stand(b.store, 'B');
    await vi.waitFor(async () => expect(await candidates()).toHaveLength(2), 5_000);
    await endLeases(cluster, name, 'B');
    const third = stand(c.store, 'C');
    await vi.waitFor(async () => expect(await candidates()).toHaveLength(3), 5_000);
    await first.resign();
    await vi.waitFor(() => expect(wins).toHaveLength(1), 5_000);
    // Longer than a lease: the other one has no key that could win while this one leads.
    await expect(
      vi.waitFor(() => expect(wins).toHaveLength(2), testTimes.leaseTtlS * 1500),
    ).rejects.toThrow('length of 2');
    await wins[0]?.leadership.resign();
    await Promise.all([second, third]);
    expect(wins.map(({ leadership }) => leadership.isValid())).toEqual([false, true]);
    const epochs = wins.map(({ leadership }) => leadership.epoch);
    expect(epochs[1]).toBeGreaterThan(epochs[0] ?? Infinity);
  });

  test('E2: a leader that is cut off knows it before its key can be gone', async () => {
    const [leading, watching] = [await connect(cluster), await connect(cluster)];
    const leader = await campaign(leading.store, 'A');
    let goneMs = 0;
    const { revision } = await watching.store.get(leader.key);
    watching.store.watch('leader/', revision, () => (goneMs = performance.now()));
    let lostMs = 0;
    leader.lost.addEventListener('abort', () => (lostMs = performance.now()));
    for (const link of leading.links) link.mode = 'loseRequests';
    await vi.waitFor(() => expect(goneMs).toBeGreaterThan(0), 10_000);
    expect([leader.isValid(), leader.lost.aborted]).toEqual([false, true]);
    expect(lostMs).toBeLessThan(goneMs);
    for (const link of leading.links) link.mode = 'refuse';
  });

  test('E6: with its member stopped every call ends in its deadline, and all goes on afterwards', async () => {
    const { store } = await connect(cluster);
    const from = await commit(store, [put('k', '1')]);
    const { events, stop } = collect(store, '', from);
    const [member] = cluster.members;
    member?.stop();
    try {
      const startedMs = performance.now();
      const [read, written] = await Promise.allSettled([
        store.get('k'),
        write(store, [put('k', '2')], [modIs('k', from)]),
      ]);
      expect(performance.now() - startedMs).toBeLessThan(testTimes.deadlineMs + 500);
      expect(read).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) });
      expect(written).toMatchObject({ status: 'fulfilled', value: { kind: 'ambiguous' } });
      expect(store.status().hasQuorum).toBe(false);
    } finally {
      member?.continue();
    }
    await vi.waitFor(async () => expect((await store.get('k')).item).not.toBeNull(), 10_000);
    await vi.waitFor(async () => {
      expect(await write(store, [put('after', '1')])).toMatchObject({ kind: 'committed' });
    }, 10_000);
    await vi.waitFor(() => expect(changesOf(events.at(-1))).toEqual({ after: '1' }), 10_000);
    stop();
  });

  test('E5: after a compaction a list and a watch from it miss nothing and double nothing', async () => {
    const { store } = await connect(cluster);
    const old = await commit(store, [put('k/a', '1')]);
    for (let index = 0; index < 10; index += 1) await commit(store, [put('k/c', `${index}`)]);
    await cluster.compact();
    const compacted = collect(store, 'k/', old);
    await vi.waitFor(() => expect(compacted.events).toMatchObject([{ kind: 'compacted' }]));
    const { items, revision } = await store.list('k/');
    expect(items.map((item) => item.value)).toEqual(['1', '9']);
    const again = collect(store, 'k/', revision);
    await commit(store, [put('k/a', '2')]);
    await vi.waitFor(() => expect(again.events).toHaveLength(1));
    expect(changesOf(again.events[0])).toEqual({ 'k/a': '2' });
    again.stop();
  });

  test('E9: an idle client is not sent away: half a minute later it has the same connections', async () => {
    const client = await connect(cluster);
    const leader = await campaign(client.store, 'A');
    const { stop } = collect(client.store, '', leader.createRevision);
    await client.store.get('k');
    const accepted = () => client.links.map((link) => link.accepted);
    await vi.waitFor(() => expect(accepted()[0]).toBeGreaterThan(2));
    const before = accepted();
    const untilMs = performance.now() + 30_000;
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(untilMs), {
      timeout: 35_000,
      interval: 500,
    });
    expect([accepted(), leader.isValid()]).toEqual([before, true]);
    stop();
  });

  test('a transaction beyond 128 operations is one transaction, and its compares hold', async () => {
    const patient = { deadlineMs: 20_000, leaseTtlS: 20 };
    const { store } = await connect(cluster, [0], patient);
    const other = await connect(cluster, [0], patient);
    const leader = await campaign(store, 'A');
    const guard = { key: leader.key, target: 'create', revision: leader.createRevision } as const;
    const keys = Array.from({ length: 500 }, (_, index) => `vm/${String(index).padStart(4, '0')}`);
    const absent = keys.map((key) => modIs(key, 0));
    const { events, stop } = collect(store, 'vm/', leader.createRevision);
    const made = keys.map((key) => put(key, 'made'));
    const at = await commit(store, made, [guard, ...absent]);
    await vi.waitFor(() =>
      expect(events).toMatchObject([{ kind: 'batch', batch: { revision: at } }]),
    );
    stop();
    const { items } = await other.store.list('vm/');
    expect(new Set(items.map((item) => item.modRevision))).toEqual(new Set([at]));
    expect(items).toHaveLength(500);
    const compares = [guard, ...keys.map((key) => modIs(key, at))];
    await commit(other.store, [put('vm/0400', 'by another')]);
    const refused = await write(
      store,
      keys.map((key) => put(key, 'again')),
      compares,
    );
    expect(refused).toMatchObject({ kind: 'refused', because: 'compare' });
    expect((await other.store.get('vm/0000')).item?.value).toBe('made');
    // Many writers of large and small transactions: none overwrites what it did not compare.
    const rounds = Array.from({ length: 5 }, async (_, round) => {
      const large = await write(
        store,
        keys.map((key) => put(key, `large ${round}`)),
        [guard],
      );
      const small = await write(other.store, [put('vm/0007', `small ${round}`)]);
      return [large.kind, small.kind];
    });
    expect(new Set((await Promise.all(rounds)).flat())).toEqual(new Set(['committed']));
    expect((await store.get('vm/0007')).item?.operations).toHaveLength(8);
    await leader.resign();
    const late = await write(
      store,
      keys.map((key) => put(key, 'late')),
      [guard],
    );
    expect(late).toMatchObject({ kind: 'refused', because: 'compare' });
  });

  test('M11: a manager that starts before its etcd waits for it', async () => {
    const [member] = cluster.members;
    await member?.kill();
    const env = etcdEnv();
    const opening = openEtcdStore({
      env,
      clusterId: clusterId(name),
      settings: { endpoints: cluster.endpoints, tls: null, user: null },
      times: testTimes,
    });
    await vi.waitFor(() => expect(env.log.lines.length).toBeGreaterThan(0), 10_000);
    member?.start();
    const store = await opening;
    await commit(store, [put('k', '1')]);
    await store.close();
  });
});

describe('three members', () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await EtcdCluster.start(3);
  });
  afterAll(() => cluster.remove());

  test('E7: a watch on a member that lost the others goes on at another one', async () => {
    const rest = await connect(cluster, [1, 2]);
    const client = await connect(cluster);
    const from = await commit(rest.store, [put('k', '0')]);
    const { events, stop } = collect(client.store, '', from);
    cluster.cut(0);
    try {
      await vi.waitFor(async () => {
        expect(await write(rest.store, [put('k', 'during')])).toMatchObject({ kind: 'committed' });
      }, 15_000);
      await vi.waitFor(() => expect(changesOf(events.at(-1))).toEqual({ k: 'during' }), 15_000);
    } finally {
      cluster.heal(0);
    }
    stop();
  });

  test('E7: a watch that has no other member says what it missed once the partition is over', async () => {
    const [rest, alone] = [await connect(cluster, [1, 2]), await connect(cluster, [0])];
    const from = await commit(rest.store, [put('k', '0')]);
    const { events, stop } = collect(alone.store, '', from);
    cluster.cut(0);
    try {
      await vi.waitFor(async () => {
        expect(await write(rest.store, [put('k', 'during')])).toMatchObject({ kind: 'committed' });
      }, 15_000);
      await expect(alone.store.get('k')).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      cluster.heal(0);
    }
    await vi.waitFor(() => expect(changesOf(events.at(-1))).toEqual({ k: 'during' }), 15_000);
    stop();
  });

  test('M2: a leader whose own members lost quorum stops before another one begins', async () => {
    const minority = await connect(cluster, [0]);
    const majority = await connect(cluster, [1, 2]);
    const old = await campaign(minority.store, 'old');
    cluster.cut(0);
    let oldWasValid: boolean | null = null;
    try {
      const next = await campaign(majority.store, 'new');
      oldWasValid = old.isValid();
      expect(next.epoch).toBeGreaterThan(old.epoch);
      await next.resign();
    } finally {
      cluster.heal(0);
    }
    expect(oldWasValid).toBe(false);
  });

  test('the loss of etcd’s own leader ends no leadership of the usual length', async () => {
    const client = await connect(cluster, [0, 1, 2], { leaseTtlS: 4 });
    const leader = await campaign(client.store, 'A');
    const place = await cluster.leader();
    await cluster.members[place]?.kill();
    await vi.waitFor(async () => {
      expect(await write(client.store, [put('k', '1')])).toMatchObject({ kind: 'committed' });
    }, 10_000);
    expect(leader.isValid()).toBe(true);
    expect(await leader.confirm()).toBe(true);
    cluster.members[place]?.start();
    await cluster.untilServing();
  });
});
