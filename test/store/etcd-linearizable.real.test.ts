import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unlinearizableKeys } from '../../chaos/checkers/linearizable.ts';
import { revision as revisionOf } from '../../src/core/model/ids.ts';
import type { Store, WatchEvent } from '../../src/store/store.ts';
import { commit, put } from './conformance-tools.ts';
import { EtcdCluster } from './etcd/etcd-cluster.ts';
import { connectLinked } from './etcd/etcd-harness.ts';
import { EtcdNemesis } from './etcd/etcd-nemesis.ts';
import { recordHistory } from './store-history.ts';

let cluster: EtcdCluster;
beforeAll(async () => {
  cluster = await EtcdCluster.start(3);
});
afterAll(() => cluster.remove());

const durationMs = 25_000;

test('under SIGKILL, SIGSTOP, partitions, leader moves and compactions every history is linearizable, and a watch tells all of it', async () => {
  const name = randomUUID();
  const clients = await Promise.all(
    Array.from({ length: 5 }, () => connectLinked(cluster.endpoints, name)),
  );
  const [watching] = clients;
  if (watching === undefined) throw new Error('no client');
  const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);
  const watcher = watched(watching.store);
  const nemesis = new EtcdNemesis(cluster, Math.random);
  const untilMs = performance.now() + durationMs;
  const goOn = (): boolean => performance.now() < untilMs;
  const [history] = await Promise.all([
    recordHistory({
      clients: clients.map(({ store }) => store),
      keys,
      goOn,
      fraction: Math.random,
      pause: () =>
        new Promise((resolve) => {
          setTimeout(resolve, 20 + Math.random() * 40);
        }),
    }),
    nemesis.run(goOn),
  ]);
  await cluster.untilServing();
  // One comparison, so that a failure shows what went on.
  const { counts } = history;
  const broken = unlinearizableKeys(history.operations);
  expect({ broken, counts, faults: nemesis.done, watch: watcher.counts }).toMatchObject({
    broken: [],
    counts: { committed: expect.toSatisfy((committed: number) => committed > 100) },
    faults: expect.toSatisfy((done: readonly string[]) => done.length > 4),
  });

  // An acknowledged write is what the next reader sees, and what the watch has told.
  const { items, revision } = await watching.store.list('');
  const end = await commit(watching.store, [put('end', '')]);
  await expect.poll(() => watcher.revision, { timeout: 20_000 }).toBe(end);
  watcher.stop();
  expect(end).toBeGreaterThan(revision);
  const told = Object.fromEntries([...watcher.values].filter(([key]) => key !== 'end'));
  expect(told).toEqual(Object.fromEntries(items.map(({ key, value }) => [key, value])));
  expect(watcher.disorder).toEqual([]);
  await Promise.all(clients.map((client) => client.close()));
});

/** A mirror that is kept by a watch, and by a list each time the watch says `compacted`. */
function watched(store: Store) {
  const state = {
    values: new Map<string, string>(),
    revision: 0,
    counts: { batches: 0, compacted: 0 },
    disorder: [] as string[],
    stop: () => undefined as void,
  };
  const onEvent = (event: WatchEvent): void => {
    if (event.kind === 'compacted') {
      state.counts.compacted += 1;
      void relist();
    }
    if (event.kind !== 'batch') return;
    const { revision, changes } = event.batch;
    if (revision <= state.revision) state.disorder.push(`${revision} after ${state.revision}`);
    state.revision = revision;
    state.counts.batches += 1;
    for (const { key, current } of changes) {
      if (current === null) state.values.delete(key);
      else state.values.set(key, current.value);
    }
  };
  const relist = async (): Promise<void> => {
    const { items, revision } = await store.list('').catch(() => ({ items: null, revision: 0 }));
    if (items === null) return relist();
    state.values = new Map(items.map(({ key, value }) => [key, value]));
    state.revision = revision;
    state.stop = store.watch('', revisionOf(revision), onEvent);
  };
  void relist();
  return state;
}
