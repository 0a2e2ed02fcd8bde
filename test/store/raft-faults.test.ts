import { expect, test } from 'vitest';
import { unlinearizableKeys } from '../../chaos/checkers/linearizable.ts';
import { randomFromSeed } from '../../chaos/sim/random.ts';
import type { Store } from '../../src/store/store.ts';
import { RaftCluster } from './raft-cluster.ts';
import { recordHistory } from './store-history.ts';

const durationMs = 4_000;
const after = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** The client of a member, over restarts: always the store that is open now. */
function clientOf(cluster: RaftCluster, name: string): Store {
  const current = (): Store => cluster.store(name);
  return {
    get: async (key) => current().get(key),
    list: async (prefix) => current().list(prefix),
    txn: async (transaction) => {
      try {
        return await current().txn(transaction);
      } catch (error) {
        const detail = String(error);
        return { kind: 'refused', because: 'notSent', current: [], detail };
      }
    },
    watch: () => () => undefined,
    campaign: (options) => current().campaign(options),
    status: () => current().status(),
    close: () => current().close(),
  };
}

test.each([3, 5])(
  'with members of %d that die, lose power and are cut off, every history is linearizable',
  { timeout: 60_000 },
  async (members) => {
    const cluster = await RaftCluster.of(members);
    const names = cluster.names();
    // Real time decides what happens when; the seed only what is tried.
    const random = randomFromSeed(`raft faults ${members}`);
    const faults: string[] = [];
    const endMs = performance.now() + durationMs;
    const goOn = (): boolean => performance.now() < endMs;
    async function nemesis(): Promise<void> {
      while (goOn()) {
        const name = names[Math.floor(random.fraction() * names.length)] ?? 'member-1';
        const kind = Math.floor(random.fraction() * 4);
        faults.push(`${kind} ${name}`);
        if (kind < 2) {
          cluster.kill(name, kind === 0 ? 'powerLoss' : 'crash');
          await after(60 + random.fraction() * 200);
          await cluster.open(name);
        } else {
          cluster.network.deafen(name);
          if (kind === 3) cluster.network.mute(name);
          await after(100 + random.fraction() * 400);
          cluster.network.heal(name);
        }
        await after(100 + random.fraction() * 200);
      }
    }
    const [{ operations, counts }] = await Promise.all([
      recordHistory({
        clients: names.map((name) => clientOf(cluster, name)),
        keys: ['a', 'b', 'c', 'd'],
        goOn,
        fraction: Math.random,
        pause: () => after(2 + Math.random() * 8),
      }),
      nemesis(),
    ]);
    // An acknowledged write is what every member reads in the end.
    const leader = await cluster.leader();
    const lists = await Promise.all(names.map((name) => cluster.store(name).list('')));
    await cluster.stop();
    const fatal = cluster.fatal.map(({ message }) => message);
    expect({ broken: unlinearizableKeys(operations), counts, faults, leader, fatal }).toMatchObject(
      {
        broken: [],
        fatal: [],
        counts: { committed: expect.toSatisfy((committed: number) => committed > 50) },
        faults: expect.toSatisfy((done: readonly string[]) => done.length > 3),
      },
    );
    for (const list of lists) expect(list).toEqual(lists[0]);
  },
);
