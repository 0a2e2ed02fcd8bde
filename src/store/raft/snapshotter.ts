import type { Env } from '../../env/env.ts';
import { LogFull } from '../log/log-error.ts';
import type { SegmentedLog } from '../log/segmented-log.ts';
import type { LogStorage } from './log-storage.ts';
import type { Replica } from './replica.ts';

interface SnapshotterParts {
  readonly env: Pick<Env, 'clock' | 'log'>;
  readonly log: SegmentedLog;
  readonly storage: LogStorage;
  readonly replica: Replica;
  /** Index of the entry up to which the replica holds everything. */
  readonly applied: () => number;
  /** A snapshot is taken after so many entries, or so many bytes of them. */
  readonly snapshotEntries: number;
  readonly snapshotBytes: number;
  /** Entries that stay in memory behind a snapshot. */
  readonly keptEntries: number;
  /** After a full disk none is tried for so long. */
  readonly spaceCheckMs: number;
  readonly onDead: (error: Error) => void;
}

/** Takes snapshots of the state, so that the log does not grow for ever. Writes go on meanwhile. */
export class Snapshotter {
  readonly #parts: SnapshotterParts;
  #running: Promise<void> | null = null;
  #bytes = 0;
  #lastChange = 0;
  #notBeforeMs = 0;
  #stopped = false;

  constructor(parts: SnapshotterParts) {
    this.#parts = parts;
  }

  /** Resolves when none is being written. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** The members changed with this entry: peers that need a snapshot need one that knows of it. */
  membersChanged(index: number): void {
    this.#lastChange = index;
    this.#parts.storage.membersChanged(index);
    this.grew(0, index);
  }

  /** An entry of so many bytes was applied; `applied` is its index, or that of a later one. */
  grew(bytes: number, applied: number): void {
    this.#bytes += bytes;
    const term = this.#parts.log.termAt(applied);
    if (term !== null && this.#isDue(applied)) this.#running = this.#take(applied, term);
  }

  #isDue(applied: number): boolean {
    const { env, log, snapshotEntries, snapshotBytes } = this.#parts;
    if (this.#stopped || this.#running !== null) return false;
    if (env.clock.monotonicMs() < this.#notBeforeMs) return false;
    const index = log.snapshot?.index ?? 0;
    const entries = applied - index;
    if (index < this.#lastChange) return true;
    return entries >= snapshotEntries || this.#bytes >= snapshotBytes;
  }

  async #take(index: number, term: number): Promise<void> {
    const { env, log, storage, replica, keptEntries, spaceCheckMs, onDead } = this.#parts;
    const bytes = this.#bytes;
    try {
      const { chunks, conf } = replica.freeze();
      storage.expectSnapshot(index, conf);
      await log.saveSnapshot({ index, term, chunks });
      // A snapshot of a peer may have taken the place of the log meanwhile.
      await log.compactTo(Math.max(log.firstIndex - 1, index - keptEntries));
      this.#bytes -= bytes;
    } catch (error) {
      if (error instanceof LogFull) {
        this.#notBeforeMs = env.clock.monotonicMs() + spaceCheckMs;
        env.log.error({ err: error.message }, 'no space for a snapshot of the store');
      } else if (!this.#stopped) {
        this.#stopped = true;
        onDead(error instanceof Error ? error : new Error(String(error)));
      }
    } finally {
      this.#running = null;
    }
    // The members may have changed while it was being written.
    this.grew(0, this.#parts.applied());
  }
}
