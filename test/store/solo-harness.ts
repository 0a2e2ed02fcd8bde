import type { Disk } from '../../src/env/disk.ts';
import { realClock } from '../../src/env/real/clock.ts';
import { realRandom } from '../../src/env/real/random.ts';
import { realTimers } from '../../src/env/real/timers.ts';
import type { RaftStoreLimits } from '../../src/store/raft/limits.ts';
import { readIdentity } from '../../src/store/raft/member-directory.ts';
import { createStore, openRaftStore } from '../../src/store/raft/open-raft-store.ts';
import type { RaftStoreEnv } from '../../src/store/raft/store-parts.ts';
import type { Store } from '../../src/store/store.ts';
import { LocalNetwork } from './local-network.ts';
import { quietLog } from './quiet-log.ts';

export const soloCluster = '0f3c7a52-6a53-4f0c-9d7e-3b8a5f1c2d4e';
export const soloName = 'node-1';
const member = { number: 1, name: soloName, address: `${soloName}:7` };

type SoloEnv = Omit<RaftStoreEnv, 'network' | 'disk'>;

const realSoloEnv = (): SoloEnv => ({
  clock: realClock(),
  timers: realTimers(),
  random: realRandom(),
  log: quietLog(),
});

/** Small enough that a few dozen writes meet every corner: rotation, snapshots, collection. */
const tinyLimits: Partial<RaftStoreLimits> = {
  segmentBytes: 700,
  snapshotEntries: 12,
  historyLimit: 40,
  reserveBytes: 4096,
  spaceCheckMs: 20,
};

interface SoloOptions {
  readonly directory?: string;
  readonly limits?: Partial<RaftStoreLimits>;
  readonly env?: SoloEnv;
  readonly onFatal?: (error: Error) => void;
}

/** Makes the store of an only member, as `kennel init` does. */
export async function foundOn(disk: Disk, options: SoloOptions = {}): Promise<void> {
  const { directory = '/store', env = realSoloEnv() } = options;
  await createStore({ env: { ...env, disk }, directory, clusterId: soloCluster }, member);
}

/** Opens the store of an only member in `/store` (or `directory`), and makes it when there is none. */
export async function openOn(disk: Disk, options: SoloOptions = {}): Promise<Store> {
  const { directory = '/store', env = realSoloEnv() } = options;
  if ((await readIdentity(disk, directory)) === null) await foundOn(disk, options);
  const store = await openRaftStore({
    env: { ...env, disk, network: new LocalNetwork(soloCluster).for(soloName) },
    directory,
    clusterId: soloCluster,
    listen: null,
    onFatal: options.onFatal ?? (() => undefined),
    limits: { ...tinyLimits, ...options.limits },
  });
  // It leads alone as soon as its log says so.
  await store.get('any');
  return store;
}
