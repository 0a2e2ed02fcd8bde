import type { ClusterId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import type { Env } from '../../env/env.ts';
import type { Network, NetworkAddress } from '../../env/network.ts';
import { storeApart, type Membership } from '../../store/membership.ts';
import { openFileStore } from '../../store/file/file-store.ts';
import { openRaftStore } from '../../store/raft/open-raft-store.ts';
import { StoreDamaged } from '../../store/store-damaged.ts';
import type { Store } from '../../store/store.ts';
import { readEtcdSettings } from './etcd-settings.ts';
import type { EtcdConfig, StoreConfig } from './store-config.ts';

interface OpenStoreOptions {
  readonly env: Env;
  readonly config: StoreConfig;
  readonly clusterId: ClusterId;
  /** Of a store on this machine's disk. */
  readonly directory: string;
  readonly nodeName: string;
  readonly isWitness?: boolean;
  /** Where other members reach a store that has some; null = nobody is listened to. */
  readonly listen: NetworkAddress | null;
  readonly door: Pick<Network, 'listen'>;
  readonly onFatal: (error: Error) => void;
}

interface OpenedStore {
  readonly store: Store;
  readonly membership: Membership;
}

/** What keeps a store from being opened is an answer here, not an exception. */
export async function openStore(options: OpenStoreOptions): Promise<Outcome<OpenedStore>> {
  const { config } = options;
  if (config.kind === 'raft') return openRaft(options);
  const store = await (config.kind === 'etcd' ? openEtcd(options, config) : openFile(options));
  return store.kind === 'ok' ? ok({ store: store.value, membership: storeApart }) : store;
}

function openFile(options: OpenStoreOptions): Promise<Outcome<Store>> {
  return orDamage(() => openFileStore(options));
}

function openRaft(options: OpenStoreOptions): Promise<Outcome<OpenedStore>> {
  const { env, door } = options;
  const network = { listen: door.listen, connect: env.network.connect.bind(env.network) };
  return orDamage(async () => {
    const store = await openRaftStore({ ...options, env: { ...env, network } });
    return { store, membership: store.membership };
  });
}

/** Damage that keeps a store from being opened, as an answer. */
export async function orDamage<T>(open: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return ok(await open());
  } catch (error) {
    if (!(error instanceof StoreDamaged)) throw error;
    return problem({
      code: error.code === 'STORE_LOCKED' ? 'E_STORE_LOCKED' : 'E_STORE_DAMAGED',
      what: error.what,
      because: error.because,
      so: error.so,
      try: [error.try],
    });
  }
}

async function openEtcd(
  { env, clusterId }: OpenStoreOptions,
  config: EtcdConfig,
): Promise<Outcome<Store>> {
  const settings = await readEtcdSettings(env.disk, config);
  if (settings.kind === 'problem') return settings;
  // Loaded here, so that whoever has no etcd pays nothing for gRPC.
  const { openEtcdStore } = await import('../../store/etcd/open-etcd-store.ts');
  const { EtcdUnusable } = await import('../../store/etcd/etcd-unusable.ts');
  try {
    return ok(await openEtcdStore({ env, clusterId, settings: settings.value }));
  } catch (error) {
    if (!(error instanceof EtcdUnusable)) throw error;
    return problem({
      code: 'E_STORE_UNUSABLE',
      what: error.what,
      because: error.because,
      so: 'this manager does not start',
      try: [...error.try],
    });
  }
}
