import { clusterId } from '../../src/core/model/ids.ts';
import type { Disk } from '../../src/env/disk.ts';
import type { Env } from '../../src/env/env.ts';
import { openFileStore } from '../../src/store/file/file-store.ts';
import type { FileStoreLimits } from '../../src/store/file/file-store.ts';
import { leaderKey } from '../../src/store/leadership-key.ts';
import { storeApart } from '../../src/store/membership.ts';
import { StateMachine } from '../../src/store/state-machine.ts';
import type { Store, Write, WriteOutcome } from '../../src/store/store.ts';
import { enrol } from './enrolment.ts';
import type { SimStore, StoreOfSeat, StoreSeat } from './sim-store.ts';

/** Where the store lies on the manager's disk. */
export const storeDirectory = '/var/lib/kennel/store';

/** Small, so that snapshots, new segments and a full disk come within a minute of a small cluster. */
const limits: Partial<FileStoreLimits> = {
  segmentBytes: 16 << 10,
  snapshotEntries: 12,
  snapshotBytes: 256 << 10,
  reserveBytes: 64 << 10,
  spaceCheckMs: 2000,
};

export interface FileSimStoreOptions {
  readonly clusterId: string;
  readonly manager: string;
  readonly env: Env;
  /** The manager's disk, for the time before its first process. */
  readonly disk: Disk;
  /** A process is about to serve this state, read from the disk. */
  readonly onOpened: (machine: StateMachine) => void;
}

/**
 * The durable log of a single manager on its simulated disk: the production driver as it is. No
 * network lies in between, so only the disk and the process can fail.
 */
export class FileSimStore implements SimStore {
  readonly #options: FileSimStoreOptions;
  #machine = new StateMachine({ historyLimit: 1 });
  #open: Store | null = null;

  constructor(options: FileSimStoreOptions) {
    this.#options = options;
  }

  get machine(): StateMachine {
    return this.#machine;
  }

  get leader(): string | null {
    if (this.#open === null || this.#machine.get(leaderKey) === null) return null;
    return this.#options.manager;
  }

  async prepare(writes: readonly Write[]): Promise<void> {
    const { env, disk } = this.#options;
    // As the package leaves it, long before the first start.
    await disk.makeDirectory('/var/lib/kennel', { mode: 0o700 });
    await disk.syncDirectory('/var/lib');
    const store = await this.#openStore({ ...env, disk }, () => undefined);
    await enrol(store, writes);
    await store.close();
  }

  async open({ env, process, onFatal }: StoreSeat): Promise<StoreOfSeat> {
    process.onDeath(() => (this.#open = null));
    const store = await this.#openStore(env, onFatal);
    if (!process.dead) this.#open = store;
    return { store, membership: storeApart, network: env.network };
  }

  evaluate(): WriteOutcome {
    throw new Error('the log of a manager is written by its process alone');
  }

  client(): Store | null {
    return this.#open;
  }

  proposedAtMs(): null {
    return null;
  }

  peers(): readonly string[] {
    return [];
  }

  cut(): void {}

  heal(): void {}

  makeNextWriteAmbiguous(): void {}

  expire(): boolean {
    return false;
  }

  forgetHistory(): void {}

  #openStore(env: Env, onFatal: (error: Error) => void): Promise<Store> {
    return openFileStore({
      env,
      directory: storeDirectory,
      clusterId: clusterId(this.#options.clusterId),
      nodeName: this.#options.manager,
      onFatal,
      limits,
      onOpened: (machine) => {
        this.#options.onOpened(machine);
        this.#machine = machine;
      },
    });
  }
}
