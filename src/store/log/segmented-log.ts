import type { Clock } from '../../env/env.ts';
import { deferred, type Deferred } from '../deferred.ts';
import { LogFailed, LogFull, SyncFailed, isFull, syncDirectory, syncFile } from './log-error.ts';
import {
  encodeEntry,
  encodeHardState,
  encodeMark,
  type HardState,
  type LogEntry,
  type SnapshotMark,
} from './payload.ts';
import { recoverLog, type LoadedSnapshot, type LogPlace, type RecoveredLog } from './recover.ts';
import { encodeBatch, encodedLength, recordType, type RawRecord } from './record.ts';
import { createSegment, segmentName, type OpenSegment, type SegmentInfo } from './segment-file.ts';
import {
  readSnapshot,
  snapshotIndexOf,
  snapshotName,
  writeSnapshot,
  type SnapshotContent,
} from './snapshot-file.ts';
import { SyncTimes } from './sync-times.ts';
import type { LogTail } from './tail.ts';

interface LogOptions extends LogPlace {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** A segment is ended by the first batch that would pass this. */
  readonly segmentBytes: number;
}

interface Waiting {
  readonly entries: readonly LogEntry[];
  readonly hardState: HardState | null;
  readonly mark: SnapshotMark | null;
}

/**
 * Opens or makes the log in a directory that the caller has locked. Throws `StoreDamaged`, and what
 * the disk throws.
 */
export async function openLog(
  options: LogOptions,
): Promise<{ readonly log: SegmentedLog; readonly snapshot: LoadedSnapshot | null }> {
  const recovered = await recoverLog(options);
  return { log: new SegmentedLog(options, recovered), snapshot: recovered.snapshot };
}

/**
 * Append-only log in segments. `append` only queues; `sync` makes everything queued before it
 * durable with one write and one `fdatasync` for all callers that wait together. Reads see durable
 * entries only.
 */
export class SegmentedLog {
  readonly #options: LogOptions;
  readonly #tail: LogTail;
  readonly #times: SyncTimes;
  #segments: readonly SegmentInfo[];
  #current: OpenSegment;
  #firstRecordAt: number;
  #waiting: Waiting[] = [];
  #waitingLast: number;
  #round: Deferred<void> | null = null;
  #running = false;
  #saving = false;
  #failure: LogFailed | null = null;
  #closed = false;
  #writeErrors = 0;

  constructor(options: LogOptions, recovered: RecoveredLog) {
    this.#options = options;
    this.#tail = recovered.tail;
    this.#segments = recovered.segments;
    this.#current = recovered.current;
    this.#firstRecordAt = recovered.current.offset;
    this.#waitingLast = recovered.tail.lastIndex;
    this.#times = new SyncTimes(options.clock);
  }

  /** Index of the first entry that can be read. */
  get firstIndex(): number {
    return this.#tail.firstIndex;
  }

  /** Index of the last durable entry. */
  get lastIndex(): number {
    return this.#tail.lastIndex;
  }

  get hardState(): HardState | null {
    return this.#tail.hardState;
  }

  /** The newest snapshot that counts. */
  get snapshot(): SnapshotMark | null {
    return this.#tail.marks.at(-1) ?? null;
  }

  get times(): SyncTimes {
    return this.#times;
  }

  /** Bytes of log since the current segment began; grows with every batch. */
  get currentBytes(): number {
    return this.#current.offset;
  }

  /** Bytes of all segments together; snapshots stand beside them. */
  get totalBytes(): number {
    const ended = this.#segments.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0);
    return ended + this.#current.offset;
  }

  /** Writes and syncs that failed since it was opened, for want of space or otherwise. */
  get writeErrors(): number {
    return this.#writeErrors;
  }

  termAt(index: number): number | null {
    return this.#tail.termAt(index);
  }

  /** At most `count` durable entries from `index` on, until `maxBytes` are passed; at least one. */
  readFrom(
    index: number,
    maxBytes: number = Number.POSITIVE_INFINITY,
    count: number = Number.POSITIVE_INFINITY,
  ): readonly LogEntry[] {
    return this.#tail.from(index, maxBytes, count);
  }

  /**
   * Queues entries and hard state. Entries that overlap the log replace its tail. Throws when they
   * would leave a gap or rewrite what is compacted: the caller's bug.
   */
  append(batch: { readonly entries: readonly LogEntry[]; readonly hardState?: HardState }): void {
    this.#checkUsable();
    for (const entry of batch.entries) {
      if (entry.index > this.#waitingLast + 1 || entry.index < this.#tail.firstIndex) {
        throw new RangeError(`entry ${entry.index} does not follow ${this.#waitingLast}`);
      }
      this.#waitingLast = entry.index;
    }
    this.#waiting.push({ ...batch, hardState: batch.hardState ?? null, mark: null });
  }

  /**
   * Resolves when everything appended before the call is durable. Rejects with `LogFull`: none of
   * it is in the log, append again when there is space. Rejects with `LogFailed`: the log is dead
   * and what was appended may or may not survive.
   */
  sync(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.#round ??= deferred();
    if (!this.#running) void this.#runRounds();
    return this.#round.promise;
  }

  /**
   * Writes a snapshot of everything up to `content.index`, then its mark. One at a time; appends go
   * on meanwhile. One from a peer replaces the log: install it before appending the hard state that
   * commits it. Rejects as `sync` does.
   */
  async saveSnapshot(content: SnapshotContent): Promise<void> {
    this.#checkUsable();
    if (this.#saving) throw new Error('a snapshot is already being saved');
    this.#saving = true;
    const { disk, directory, owner } = this.#options;
    try {
      const mark = await writeSnapshot(disk, directory, owner, content).catch((error: unknown) => {
        throw this.#fullOrDead(error, snapshotName(content.index));
      });
      this.#checkUsable();
      this.#waiting.push({ entries: [], hardState: null, mark });
      // Later appends may follow a snapshot that replaces the log.
      this.#waitingLast = Math.max(this.#waitingLast, mark.index);
      await this.sync();
      await this.#collect();
    } finally {
      this.#saving = false;
    }
  }

  /**
   * The newest snapshot, for a peer that is too far behind for entries; null when there is none.
   * Throws when it has become unreadable since the start.
   */
  async readSnapshot(): Promise<LoadedSnapshot | null> {
    const mark = this.snapshot;
    if (mark === null) return null;
    const { disk, directory, owner } = this.#options;
    const read = await readSnapshot(disk, directory, owner, mark);
    if (read.kind === 'unusable') throw new Error(read.because);
    return { index: mark.index, term: mark.term, chunks: read.chunks };
  }

  /**
   * Forgets entries up to `index` in memory; a snapshot must cover them. On disk a segment goes
   * when the older of the two kept snapshots covers it.
   */
  async compactTo(index: number): Promise<void> {
    this.#checkUsable();
    if (index > (this.snapshot?.index ?? 0)) {
      throw new RangeError(`no snapshot covers entry ${index}`);
    }
    this.#tail.compactTo(index);
    await this.#collect();
  }

  /** Ends the log after what is queued. A clean end lets the next start tell damage from a tear. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#failure === null) {
      await this.sync().catch(() => undefined);
      await this.#writeRecords([{ type: recordType.closed, payload: new Uint8Array(0) }]).catch(
        () => undefined,
      );
    }
    await this.#current.file.close().catch(() => undefined);
  }

  #checkUsable(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closed) throw new Error('the log is closed');
  }

  async #runRounds(): Promise<void> {
    this.#running = true;
    // Everybody who asks in this turn joins the first round.
    await Promise.resolve();
    while (this.#round !== null) {
      const round = this.#round;
      const waiting = this.#waiting;
      this.#round = null;
      this.#waiting = [];
      try {
        await this.#persist(waiting);
        round.resolve();
      } catch (error) {
        this.#dropWaiting(error);
        round.reject(error);
      }
    }
    this.#running = false;
  }

  async #persist(waiting: readonly Waiting[]): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (waiting.length === 0) return;
    await this.#writeRecords(waiting.flatMap(recordsOf));
    for (const { entries, hardState, mark } of waiting) {
      for (const entry of entries) this.#tail.append(entry);
      if (hardState !== null) this.#tail.setHardState(hardState);
      if (mark !== null) this.#tail.mark(mark);
    }
  }

  /** What was queued meanwhile built on entries that are not there. */
  #dropWaiting(error: unknown): void {
    this.#waiting = [];
    this.#waitingLast = this.#tail.lastIndex;
    this.#round?.reject(error);
    this.#round = null;
  }

  async #writeRecords(records: readonly RawRecord[]): Promise<void> {
    const { segmentBytes } = this.#options;
    const length = encodedLength(records);
    const { offset } = this.#current;
    if (offset > this.#firstRecordAt && offset + length > segmentBytes) await this.#rotate();
    const current = this.#current;
    const { bytes, crc } = encodeBatch(records, current.offset, current.crc);
    try {
      await this.#times.time(async () => {
        await current.file.write(current.offset, bytes);
        await syncFile(current.file);
      });
    } catch (error) {
      const failure = this.#fullOrDead(error, segmentName(current.sequence));
      if (failure instanceof LogFull) await this.#takeBack(current);
      throw failure;
    }
    this.#current = { ...current, offset: current.offset + bytes.length, crc };
  }

  /** Until the part that was written is durably gone, a crash could bring it back. */
  async #takeBack(current: OpenSegment): Promise<void> {
    try {
      await current.file.truncate(current.offset);
      await syncFile(current.file);
    } catch (error) {
      throw this.#die(error);
    }
  }

  async #rotate(): Promise<void> {
    const { disk, directory, owner } = this.#options;
    const previous = this.#current;
    const sequence = previous.sequence + 1;
    const next = await createSegment(disk, directory, owner, {
      sequence,
      index: this.#tail.lastIndex + 1,
      previousCrc: previous.crc,
      carried: this.#carried(),
    }).catch((error: unknown) => {
      throw this.#fullOrDead(error, segmentName(sequence));
    });
    this.#current = next;
    this.#firstRecordAt = next.offset;
    const { index, offset: bytes } = next;
    const ended = { sequence: previous.sequence, index: previous.index, bytes: previous.offset };
    this.#segments = [...this.#segments.slice(0, -1), ended, { sequence, index, bytes }];
    await previous.file.close().catch(() => undefined);
  }

  #carried(): readonly RawRecord[] {
    const { hardState, marks } = this.#tail;
    const records: RawRecord[] = [];
    if (hardState !== null) {
      records.push({ type: recordType.hardState, payload: encodeHardState(hardState) });
    }
    for (const mark of marks) records.push({ type: recordType.mark, payload: encodeMark(mark) });
    return records;
  }

  /** Removes what the two kept snapshots make superfluous. A file that stays does no harm. */
  async #collect(): Promise<void> {
    const { disk, directory, log } = this.#options;
    const { marks } = this.#tail;
    const [older, newer] = marks;
    try {
      for (const name of await disk.list(directory)) {
        const index = snapshotIndexOf(name);
        if (index === null || marks.some((mark) => mark.index === index)) continue;
        // A newer one may be about to get its mark.
        if (index > (marks.at(-1)?.index ?? 0)) continue;
        await disk.remove(`${directory}/${name}`);
      }
      if (older === undefined || newer === undefined) return;
      for (;;) {
        const [oldest, following] = this.#segments;
        if (oldest === undefined || following === undefined) return;
        if (following.index > older.index + 1) return;
        await disk.remove(`${directory}/${segmentName(oldest.sequence)}`);
        // One by one, so that no crash leaves a hole in the row.
        await syncDirectory(disk, directory);
        this.#segments = this.#segments.slice(1);
      }
    } catch (error) {
      if (error instanceof SyncFailed) throw this.#die(error);
      log.warn({ err: String(error) }, 'could not remove old files of the log');
    }
  }

  #fullOrDead(error: unknown, name: string): LogFull | LogFailed {
    this.#writeErrors += 1;
    return isFull(error) ? new LogFull(`${this.#options.directory}/${name}`) : this.#die(error);
  }

  #die(error: unknown): LogFailed {
    this.#failure ??= new LogFailed(error);
    return this.#failure;
  }
}

function recordsOf(waiting: Waiting): readonly RawRecord[] {
  const records: RawRecord[] = waiting.entries.map((entry) => ({
    type: recordType.entry,
    payload: encodeEntry(entry),
  }));
  // Behind its entries: a commit index never comes before what it commits.
  if (waiting.hardState !== null) {
    records.push({ type: recordType.hardState, payload: encodeHardState(waiting.hardState) });
  }
  if (waiting.mark !== null) {
    records.push({ type: recordType.mark, payload: encodeMark(waiting.mark) });
  }
  return records;
}
