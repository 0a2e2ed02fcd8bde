import type { Timer, Timers } from '../../env/env.ts';
import type { Log } from '../../env/log.ts';
import { LogFull } from '../log/log-error.ts';
import type { HardState, LogEntry } from '../log/payload.ts';
import type { SegmentedLog } from '../log/segmented-log.ts';
import type { SnapshotContent } from '../log/snapshot-file.ts';
import type { SpaceGuard } from './space-guard.ts';

/** One thing to make durable, and what is said once it is. */
export interface Append {
  readonly entries: readonly LogEntry[];
  readonly hardState: HardState | null;
  /** False for a commit index alone: it may wait for the next sync, because it is found again. */
  readonly mustSync: boolean;
  /** From a peer; replaces the log. */
  readonly snapshot: SnapshotContent | null;
  readonly onDurable: () => void;
}

interface AppendQueueOptions {
  readonly log: SegmentedLog;
  readonly guard: SpaceGuard;
  readonly timers: Timers;
  readonly logger: Log;
  /** A full disk is tried again at this interval. */
  readonly spaceCheckMs: number;
  /** Resolves when no snapshot of our own is being written: the log saves one at a time. */
  readonly beforeInstall: () => Promise<void>;
  /** The reserve is in use from now on. */
  readonly onFull: () => void;
  /** The log is dead; the process must end. Called once. */
  readonly onDead: (error: Error) => void;
}

/**
 * Brings appends to disk in their order: everything that waits goes out with one `fdatasync`. On a
 * full disk nothing is dropped: the reserve is released, and when even that is used up the queue
 * waits for space, so that nothing is acknowledged that is not durable.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  #queue: Append[] = [];
  #jobs: (() => Promise<void>)[] = [];
  #loop: Promise<void> | null = null;
  #retry: Timer | null = null;
  #ended = false;

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  /** True while it waits for space although the reserve is used up. */
  get isStuck(): boolean {
    return this.#retry !== null;
  }

  add(append: Append): void {
    if (this.#ended) return;
    this.#queue.push(append);
    this.#start();
  }

  /** Runs `job` while nothing is being appended. */
  exclusive(job: () => Promise<void>): void {
    if (this.#ended) return;
    this.#jobs.push(job);
    this.#start();
  }

  /** Takes nothing more; resolves when what was under way is durable, or cannot become so. */
  async stop(): Promise<void> {
    this.#ended = true;
    this.#retry?.cancel();
    if (this.#retry !== null) this.#queue = [];
    await this.#loop;
  }

  #start(): void {
    if (this.#retry === null) this.#loop ??= this.#run();
  }

  async #run(): Promise<void> {
    // Everything of this turn joins the first batch.
    await Promise.resolve();
    try {
      for (;;) {
        const job = this.#jobs.shift();
        if (job !== undefined) {
          await job();
        } else if (this.#queue.length > 0) {
          if (!(await this.#write(this.#take()))) break;
        } else {
          break;
        }
      }
    } catch (error) {
      this.#ended = true;
      this.#queue = [];
      this.#options.onDead(error instanceof Error ? error : new Error(String(error)));
    }
    this.#loop = null;
  }

  /** A snapshot goes alone, because what stands behind it builds on it. */
  #take(): readonly Append[] {
    const at = this.#queue.findIndex(({ snapshot }) => snapshot !== null);
    if (at === 0) return this.#queue.splice(0, 1);
    return this.#queue.splice(0, at === -1 ? this.#queue.length : at);
  }

  /** False when it must wait for space. */
  async #write(batch: readonly Append[]): Promise<boolean> {
    const { log, beforeInstall } = this.#options;
    try {
      for (const { entries, hardState, snapshot } of batch) {
        if (snapshot !== null) {
          await beforeInstall();
          await log.saveSnapshot(snapshot);
        }
        log.append({ entries, ...(hardState === null ? {} : { hardState }) });
      }
      if (batch.some(({ mustSync }) => mustSync)) await log.sync();
    } catch (error) {
      if (!(error instanceof LogFull)) throw error;
      this.#queue.unshift(...batch);
      return this.#makeRoom(error);
    }
    for (const { onDurable } of batch) onDurable();
    return true;
  }

  async #makeRoom(full: LogFull): Promise<boolean> {
    const { guard, timers, logger, spaceCheckMs, onFull } = this.#options;
    if (await guard.release()) {
      onFull();
      return true;
    }
    logger.error({ err: full.message }, 'the disk is full and the reserve is used up');
    this.#retry = timers.after(spaceCheckMs, () => {
      this.#retry = null;
      this.#start();
    });
    return false;
  }
}
