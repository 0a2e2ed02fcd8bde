import type { ClusterId, Revision } from '../../core/model/ids.ts';
import type { Env, Timer } from '../../env/env.ts';
import { LocalElection } from '../local-election.ts';
import { LogFull } from '../log/log-error.ts';
import { openLog, type SegmentedLog } from '../log/segmented-log.ts';
import { encodeState } from '../snapshot-codec.ts';
import type { StateMachine } from '../state-machine.ts';
import { lockedDirectory } from '../store-damaged.ts';
import {
  StoreUnavailable,
  type KeyValue,
  type Leadership,
  type Store,
  type StoreStatus,
  type Transaction,
  type WatchEvent,
  type WriteOutcome,
} from '../store.ts';
import { WatchHub } from '../watch-hub.ts';
import { CommitQueue, soloTerm } from './commit-queue.ts';
import { rebuildState } from './rebuild.ts';
import { SpaceGuard } from './space-guard.ts';

export interface FileStoreLimits {
  readonly segmentBytes: number;
  /** A snapshot is taken after so many entries, or so many bytes of them. */
  readonly snapshotEntries: number;
  readonly snapshotBytes: number;
  /** How many revisions a watch can look back. */
  readonly historyLimit: number;
  /** Space kept for fence intents and proofs on a full disk. */
  readonly reserveBytes: number;
  /** A full disk is tried again at this interval. */
  readonly spaceCheckMs: number;
  /** A write without answer from the disk is ambiguous after this. */
  readonly deadlineMs: number;
  /** Writes that wait for the disk, in bytes; more are refused. */
  readonly queuedBytes: number;
  /** A slower sync is logged. */
  readonly slowSyncMs: number;
}

const usualLimits: FileStoreLimits = {
  segmentBytes: 16 << 20,
  snapshotEntries: 10_000,
  snapshotBytes: 32 << 20,
  historyLimit: 10_000,
  reserveBytes: 8 << 20,
  spaceCheckMs: 10_000,
  deadlineMs: 2_000,
  queuedBytes: 32 << 20,
  slowSyncMs: 500,
};

export type FileStoreEnv = Pick<Env, 'clock' | 'timers' | 'random' | 'disk' | 'log'>;

interface FileStoreOptions {
  readonly env: FileStoreEnv;
  /** Absolute path; made when absent. Belongs to this store alone. */
  readonly directory: string;
  readonly clusterId: ClusterId;
  readonly nodeName: string;
  /**
   * A sync failed, so the page cache may lie: the process must end now, without another write
   * (store.md §6, rule 2). Called once; the store answers nothing any more.
   */
  readonly onFatal: (error: Error) => void;
  readonly limits?: Partial<FileStoreLimits>;
  /** For checkers: the state that is served from now on. To be read only. */
  readonly onOpened?: (machine: StateMachine) => void;
}

/**
 * The embedded durable store of a single manager. Throws `StoreDamaged` with what to do when the
 * directory is locked, foreign or damaged, and what the disk throws.
 */
export async function openFileStore(options: FileStoreOptions): Promise<Store> {
  const { env, directory, clusterId, nodeName } = options;
  const { disk } = env;
  const limits = { ...usualLimits, ...options.limits };
  await disk.makeDirectory(directory, { mode: 0o700 });
  await disk.syncDirectory(directory.slice(0, directory.lastIndexOf('/')) || '/');
  const lock = await disk.lock(`${directory}/store.lock`);
  if (lock.kind === 'held') throw lockedDirectory(directory, lock.holder);
  let log: SegmentedLog | null = null;
  try {
    const opened = await openLog({
      disk,
      log: env.log,
      clock: env.clock,
      directory,
      owner: { clusterId, nodeName },
      segmentBytes: limits.segmentBytes,
    });
    const { snapshot } = opened;
    log = opened.log;
    const machine = rebuildState(directory, log, snapshot, limits.historyLimit);
    if (snapshot !== null) await log.compactTo(snapshot.index);
    const guard = new SpaceGuard(disk, directory, limits.reserveBytes);
    await guard.refill();
    options.onOpened?.(machine);
    return new FileStore({ ...options, limits, log, machine, guard, unlock: () => lock.release() });
  } catch (error) {
    await log?.close();
    await lock.release();
    throw error;
  }
}

interface FileStoreParts extends FileStoreOptions {
  readonly limits: FileStoreLimits;
  readonly log: SegmentedLog;
  readonly machine: StateMachine;
  readonly guard: SpaceGuard;
  readonly unlock: () => Promise<void>;
}

class FileStore implements Store {
  readonly #parts: FileStoreParts;
  readonly #machine: StateMachine;
  readonly #hub: WatchHub;
  readonly #queue: CommitQueue;
  readonly #election: LocalElection;
  /** Why nothing is answered any more. */
  #ended: string | null = null;
  #closing: Promise<void> | null = null;
  #snapshotting: Promise<void> | null = null;
  #bytesSinceSnapshot = 0;
  #snapshotNotBeforeMs = 0;
  #spaceTimer: Timer | null = null;

  constructor(parts: FileStoreParts) {
    this.#parts = parts;
    this.#machine = parts.machine;
    this.#hub = new WatchHub(parts.machine);
    const { log, machine, guard, limits, env } = parts;
    this.#queue = new CommitQueue({
      log,
      machine,
      guard,
      timers: env.timers,
      deadlineMs: limits.deadlineMs,
      queuedBytes: limits.queuedBytes,
      onApplied: (bytes) => this.#onApplied(bytes),
      onFull: () => this.#onFull(),
      onDead: (error) => this.#onDead(error),
    });
    this.#election = new LocalElection({
      store: this,
      random: env.random,
      timers: env.timers,
      isAlive: () => this.#ended === null,
    });
    if (guard.readOnly !== null) this.#onFull();
  }

  get(key: string): Promise<{ readonly item: KeyValue | null; readonly revision: Revision }> {
    return this.#read(() => ({ item: this.#machine.get(key), revision: this.#machine.revision }));
  }

  list(
    prefix: string,
  ): Promise<{ readonly items: readonly KeyValue[]; readonly revision: Revision }> {
    return this.#read(() => ({
      items: this.#machine.list(prefix),
      revision: this.#machine.revision,
    }));
  }

  txn(transaction: Transaction): Promise<WriteOutcome> {
    return this.#queue.submit(transaction);
  }

  watch(prefix: string, from: Revision, listener: (event: WatchEvent) => void): () => void {
    return this.#hub.watch(prefix, from, listener);
  }

  campaign(options: {
    readonly candidate: string;
    readonly signal: AbortSignal;
  }): Promise<Leadership> {
    return this.#election.campaign(options);
  }

  status(): StoreStatus {
    const alive = this.#ended === null;
    return {
      driver: 'file',
      revision: this.#machine.revision,
      members: [{ name: this.#parts.nodeName, healthy: alive }],
      hasQuorum: alive,
      readOnly: this.#ended ?? this.#parts.guard.readOnly,
      syncMs: this.#parts.log.times.slowestMs(),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#end('the store is closed');
    await this.#queue.drain('the store is closed');
    await this.#snapshotting;
    await this.#parts.log.close();
    await this.#parts.unlock();
  }

  #read<Answer>(read: () => Answer): Promise<Answer> {
    if (this.#ended !== null) return Promise.reject(new StoreUnavailable(this.#ended));
    return Promise.resolve(read());
  }

  #end(reason: string): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    this.#spaceTimer?.cancel();
    this.#election.stop(reason);
    this.#hub.close(reason);
  }

  #onApplied(bytes: number): void {
    const { log, limits, env } = this.#parts;
    this.#hub.changed();
    const lastMs = log.times.lastMs();
    if (lastMs > limits.slowSyncMs) env.log.warn({ syncMs: lastMs }, 'the disk is slow');
    this.#bytesSinceSnapshot += bytes;
    if (this.#isSnapshotDue()) this.#snapshotting = this.#takeSnapshot();
  }

  #isSnapshotDue(): boolean {
    const { log, limits, guard, env } = this.#parts;
    if (this.#ended !== null || this.#snapshotting !== null || guard.readOnly !== null)
      return false;
    if (env.clock.monotonicMs() < this.#snapshotNotBeforeMs) return false;
    const entries = log.lastIndex - (log.snapshot?.index ?? 0);
    return entries >= limits.snapshotEntries || this.#bytesSinceSnapshot >= limits.snapshotBytes;
  }

  /** Writes go on while it runs: the frozen state is a copy, its encoding goes chunk by chunk. */
  async #takeSnapshot(): Promise<void> {
    const { log, env, limits } = this.#parts;
    const index = log.lastIndex;
    const bytes = this.#bytesSinceSnapshot;
    try {
      const chunks = encodeState(this.#machine.freeze());
      await log.saveSnapshot({ index, term: soloTerm, chunks });
      await log.compactTo(index);
      this.#bytesSinceSnapshot -= bytes;
    } catch (error) {
      if (error instanceof LogFull) {
        // The log itself may still fit; only its own ENOSPC makes the store read-only.
        this.#snapshotNotBeforeMs = env.clock.monotonicMs() + limits.spaceCheckMs;
        env.log.error({ err: error.message }, 'no space for a snapshot of the store');
      } else if (this.#ended === null) {
        this.#queue.die(error instanceof Error ? error : new Error(String(error)));
      }
    } finally {
      this.#snapshotting = null;
    }
  }

  #onFull(): void {
    const { env, directory } = this.#parts;
    env.log.error({ directory }, 'the disk is full: only fence intents and proofs are written');
    this.#checkSpaceLater();
  }

  #checkSpaceLater(): void {
    const { env, limits, guard, directory } = this.#parts;
    this.#spaceTimer?.cancel();
    if (this.#ended !== null) return;
    const check = async (): Promise<void> => {
      if (await guard.refill()) {
        env.log.info({ directory }, 'there is space again: the store takes all writes');
      } else {
        this.#checkSpaceLater();
      }
    };
    this.#spaceTimer = env.timers.after(limits.spaceCheckMs, () => {
      this.#queue.exclusive(() => this.#guarded(check));
    });
  }

  async #guarded(job: () => Promise<void>): Promise<void> {
    try {
      await job();
    } catch (error) {
      this.#queue.die(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #onDead(error: Error): void {
    this.#end(`the store failed: ${error.message}`);
    this.#parts.env.log.error({ err: error.message }, 'the store failed; the process must end');
    this.#parts.onFatal(error);
  }
}
