import { randomUUID } from 'node:crypto';
import { clusterId } from '../../../src/core/model/ids.ts';
import { realClock } from '../../../src/env/real/clock.ts';
import { realRandom } from '../../../src/env/real/random.ts';
import { realTimers } from '../../../src/env/real/timers.ts';
import type { EtcdStoreEnv } from '../../../src/store/etcd/etcd-store.ts';
import { openEtcdStore } from '../../../src/store/etcd/open-etcd-store.ts';
import { methods } from '../../../src/store/etcd/rpc/methods.ts';
import type { EtcdEndpoint, EtcdTimes } from '../../../src/store/etcd/settings.ts';
import type { Store } from '../../../src/store/store.ts';
import type { StoreHarness } from '../conformance.ts';
import { quietLog } from '../quiet-log.ts';
import type { EtcdCluster } from './etcd-cluster.ts';
import { TcpLink } from './tcp-link.ts';

/** Short, so that tests that wait for a deadline or a lease are. */
export const testTimes: EtcdTimes = {
  deadlineMs: 1_500,
  leaseTtlS: 2,
  watchProbeMs: 500,
  statusMs: 1_000,
};

export function etcdEnv(): EtcdStoreEnv & { readonly log: ReturnType<typeof quietLog> } {
  return { clock: realClock(), timers: realTimers(), random: realRandom(), log: quietLog() };
}

/** A client whose connections can be disturbed. */
export interface LinkedStore {
  readonly store: Store;
  readonly links: readonly TcpLink[];
  close(): Promise<void>;
}

export async function connectLinked(
  endpoints: readonly EtcdEndpoint[],
  cluster: string,
  options: { readonly env?: EtcdStoreEnv; readonly times?: Partial<EtcdTimes> } = {},
): Promise<LinkedStore> {
  const links = await Promise.all(endpoints.map(({ port }) => TcpLink.to(port)));
  const store = await openEtcdStore({
    env: options.env ?? etcdEnv(),
    clusterId: clusterId(cluster),
    settings: {
      endpoints: links.map(({ port }) => ({ host: '127.0.0.1', port })),
      tls: null,
      user: null,
    },
    times: { ...testTimes, ...options.times },
  });
  return {
    store,
    links,
    close: async () => {
      await store.close();
      for (const link of links) await link.close();
    },
  };
}

/** Ends all leases of a cluster's keys, or those of one candidate, as if they had run out. */
export async function endLeases(
  cluster: EtcdCluster,
  name: string,
  candidate?: string,
): Promise<void> {
  const encoder = new TextEncoder();
  const range = {
    key: encoder.encode(`/kennel/${name}/`),
    rangeEnd: encoder.encode(`/kennel/${name}0`),
  };
  const { kvs } = await cluster.admin().read(methods.range, range, 5_000);
  for (const { lease, value } of kvs) {
    const isMeant =
      candidate === undefined || new TextDecoder().decode(value).includes(`"${candidate}"`);
    if (lease === 0n || !isMeant) continue;
    await cluster.admin().once(methods.leaseRevoke, { id: lease }, 5_000);
  }
}

/** The conformance suite's view of a real etcd: each harness is a cluster of its own in it. */
export function etcdHarness(cluster: EtcdCluster): StoreHarness {
  const name = randomUUID();
  let clients = new Map<string, Promise<LinkedStore>>();
  const linked = (client: string): Promise<LinkedStore> => {
    const known = clients.get(client) ?? connectLinked(cluster.endpoints, name);
    clients.set(client, known);
    return known;
  };
  const closeAll = async (): Promise<void> => {
    const all = [...clients.values()];
    clients = new Map();
    await Promise.all(all.map(async (client) => (await client).close()));
  };
  return {
    historyLimit: 40,
    forgetHistory: () => cluster.compact(),
    connect: async (client) => (await linked(client)).store,
    ambiguousNextWrite: async (client, effect) => {
      const { links, store } = await linked(client);
      const mode = effect === 'evaluated' ? 'loseAnswers' : 'loseRequests';
      for (const link of links) link.mode = mode;
      return {
        after: async () => {
          for (const link of links) {
            link.mode = 'pass';
            link.hangUp();
          }
          // Until then the client may not have noticed that its connections are gone.
          await store.get('any');
          return store;
        },
      };
    },
    restart: async () => {
      for (const client of clients.values()) {
        for (const link of (await client).links) {
          link.mode = 'refuse';
          link.hangUp();
        }
      }
      await cluster.killAll();
      await closeAll();
      for (const member of cluster.members) member.start();
      await cluster.untilServing();
    },
    expire: (candidate) => endLeases(cluster, name, candidate),
    stop: async () => {
      await closeAll();
      await endLeases(cluster, name);
    },
  };
}
