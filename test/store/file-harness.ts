import { clusterId } from '../../src/core/model/ids.ts';
import type { Disk } from '../../src/env/disk.ts';
import { realClock } from '../../src/env/real/clock.ts';
import { realRandom } from '../../src/env/real/random.ts';
import { realTimers } from '../../src/env/real/timers.ts';
import {
  openFileStore,
  type FileStoreEnv,
  type FileStoreLimits,
} from '../../src/store/file/file-store.ts';
import type { Store } from '../../src/store/store.ts';
import { quietLog } from './quiet-log.ts';

function fileEnv(disk: Disk): FileStoreEnv & { readonly log: ReturnType<typeof quietLog> } {
  return {
    clock: realClock(),
    timers: realTimers(),
    random: realRandom(),
    disk,
    log: quietLog(),
  };
}

/** Small enough that a few dozen writes meet every corner: rotation, snapshots, collection. */
const tinyLimits: Partial<FileStoreLimits> = {
  segmentBytes: 700,
  snapshotEntries: 12,
  historyLimit: 40,
  reserveBytes: 4096,
  spaceCheckMs: 20,
};

/** Opens a store in `/store` (or `directory`) of a disk, as the node that all tests share. */
export function openOn(
  disk: Disk,
  options: {
    readonly directory?: string;
    readonly limits?: Partial<FileStoreLimits>;
    readonly env?: FileStoreEnv;
    readonly onFatal?: (error: Error) => void;
  } = {},
): Promise<Store> {
  return openFileStore({
    env: options.env ?? fileEnv(disk),
    directory: options.directory ?? '/store',
    clusterId: clusterId('0f3c7a52-6a53-4f0c-9d7e-3b8a5f1c2d4e'),
    nodeName: 'node-1',
    onFatal: options.onFatal ?? (() => undefined),
    limits: { ...tinyLimits, ...options.limits },
  });
}
