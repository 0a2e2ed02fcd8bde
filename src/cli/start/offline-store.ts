import { clusterId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import type { Env } from '../../env/env.ts';
import { realLog } from '../../env/real/log.ts';
import { realEnv } from '../../env/real/real-env.ts';
import { DiskError } from '../../env/disk.ts';
import { StoreUnavailable, type Store } from '../../store/store.ts';
import { openStore } from './open-store.ts';
import { loadManagerConfig, type ManagerConfig } from './service-config.ts';
import { storeDirectory } from './store-access.ts';

/** A manager's directory while its manager is stopped. */
export interface OfflineManager {
  readonly env: Env;
  readonly directory: string;
  readonly config: ManagerConfig;
}

export async function offlineManager(directory: string): Promise<Outcome<OfflineManager>> {
  const env = realEnv({ log: realLog({ level: 'warn' }) });
  const config = await loadManagerConfig(env.disk, directory);
  return config.kind === 'problem' ? config : ok({ env, directory, config: config.value });
}

/** Opens the store of a manager that is stopped: nobody is listened to, and it is locked. */
export async function openOffline(
  { env, directory, config }: OfflineManager,
  store = config.store,
): Promise<Outcome<Store>> {
  const opened = await openStore({
    env,
    config: store,
    directory: storeDirectory(directory, store),
    clusterId: clusterId(config.clusterId),
    nodeName: config.name,
    listen: null,
    door: env.network,
    onFatal: (error) => {
      throw error;
    },
  });
  return opened.kind === 'problem' ? opened : ok(opened.value.store);
}

/** Runs a step on a store; what the store or the disk refuses is an answer, not an exception. */
export async function orRefused<T>(
  what: string,
  step: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof StoreUnavailable) {
      return problem({
        code: 'E_UNAVAILABLE',
        what,
        because: error.message,
        so: 'it may be repeated: nothing is half done for those who run later',
        try: ['repeat the command once the store answers'],
      });
    }
    if (!(error instanceof DiskError)) throw error;
    return problem({
      code: 'E_DATA_DIRECTORY',
      what,
      because: `${error.code}: ${error.message}`,
      so: 'it may be repeated: nothing is half done for those who run later',
      try: ['run as the user that the manager runs as', 'make room on the disk'],
    });
  }
}
