import type { ClusterId } from '../../core/model/ids.ts';
import { StoreUnavailable, type Store } from '../store.ts';
import { EtcdStore, type EtcdStoreEnv } from './etcd-store.ts';
import { EtcdUnusable } from './etcd-unusable.ts';
import { versionRemark } from './server-version.ts';
import { ForeignValue } from './stored-value.ts';
import { usualTimes, type EtcdSettings, type EtcdTimes } from './settings.ts';

interface OpenEtcdStoreOptions {
  readonly env: EtcdStoreEnv;
  readonly clusterId: ClusterId;
  readonly settings: EtcdSettings;
  readonly times?: Partial<EtcdTimes>;
  /** Gives up waiting; the promise then rejects with its reason. */
  readonly signal?: AbortSignal;
}

const again = 1_000;
const forbidden = ['permission denied', 'authentication failed', 'user name is empty'];

/**
 * Opens the store once etcd answers: a cluster's power may come back before its etcd does. Throws
 * `EtcdUnusable` for what waiting does not mend: an old server, a wrong password, missing rights.
 */
export async function openEtcdStore(options: OpenEtcdStoreOptions): Promise<Store> {
  const { env, signal } = options;
  const store = new EtcdStore({ ...options, times: { ...usualTimes, ...options.times } });
  try {
    for (let failures = 0; ; failures += 1) {
      signal?.throwIfAborted();
      const because = await problemOf(store);
      if (because === null) break;
      const members = store.members.states.map(({ name, because: why }) => ({
        name,
        because: why,
      }));
      env.log.warn({ because, members, failures }, 'etcd does not answer yet; waiting for it');
      await new Promise<void>((resolve) => {
        env.timers.after(again, resolve);
      });
    }
    store.members.keepAsking();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Null when it can be used; the reason when that may change by itself. */
async function problemOf(store: EtcdStore): Promise<string | null> {
  for (const { name, version } of await store.members.ask()) {
    const remark = version === null ? null : versionRemark(version);
    if (remark?.isRefusal !== true) continue;
    throw new EtcdUnusable({
      what: `the etcd member ${name} cannot be used`,
      because: remark.text,
      try: ['upgrade etcd, one minor version at a time', 'name another etcd in manager.yaml'],
    });
  }
  try {
    await store.get('barrier');
    return null;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    const because = error.message;
    if (error instanceof ForeignValue) {
      throw new EtcdUnusable({
        what: 'the keys of this cluster in etcd cannot be read',
        because,
        try: ['look at them: etcdctl get --prefix /kennel/'],
      });
    }
    if (forbidden.some((text) => because.includes(text))) {
      throw new EtcdUnusable({
        what: 'etcd refuses this manager',
        because,
        try: [
          'name the user and its password file in manager.yaml',
          'grant the role read and write on the prefix /kennel/: docs/store-etcd.md',
        ],
      });
    }
    return because;
  }
}
