import { limitSize } from './entry-size.ts';
import { invariantBroken } from './invariant.ts';
import type { Entry, LogGap, Logger, Snapshot, Storage } from './types.ts';
import { Unstable } from './unstable.ts';

/** Place and term of an entry: two logs that share it are equal up to it. */
export interface EntryId {
  readonly index: number;
  readonly term: number;
}

/**
 * The whole log, stable and not, with three marks in it: `applied <= applying <= committed`.
 * Entries up to `applying` were handed out; the host has finished those up to `applied`.
 */
export class RaftLog {
  readonly #storage: Storage;
  readonly #logger: Logger;
  readonly #unstable: Unstable;
  readonly #maxApplyingSize: number;
  #applyingSize = 0;
  #applyingPaused = false;
  committed: number;
  applying: number;
  applied: number;

  constructor(storage: Storage, logger: Logger, maxApplyingSize: number) {
    this.#storage = storage;
    this.#logger = logger;
    this.#maxApplyingSize = maxApplyingSize;
    this.#unstable = new Unstable(storage.lastIndex() + 1);
    this.committed = storage.firstIndex() - 1;
    this.applying = this.committed;
    this.applied = this.committed;
  }

  firstIndex(): number {
    const snapshot = this.#unstable.snapshot;
    return snapshot === null ? this.#storage.firstIndex() : snapshot.index + 1;
  }

  lastIndex(): number {
    return this.#unstable.lastIndex() ?? this.#storage.lastIndex();
  }

  lastEntryId(): EntryId {
    const index = this.lastIndex();
    const term = this.term(index);
    if (typeof term !== 'number')
      throw invariantBroken(this.#logger, `no term at the end ${index}`);
    return { index, term };
  }

  term(index: number): number | LogGap {
    const unstable = this.#unstable.term(index);
    if (unstable !== undefined) return unstable;
    if (index + 1 < this.firstIndex()) return 'compacted';
    if (index > this.lastIndex()) return 'unavailable';
    return this.#storage.term(index);
  }

  /** Term of an entry, or 0 where the log has none. */
  termOrZero(index: number): number {
    const term = this.term(index);
    return typeof term === 'number' ? term : 0;
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** Whether a log that ends in that entry holds at least what is committed here. */
  isUpToDate(other: EntryId): boolean {
    const last = this.lastEntryId();
    return other.term > last.term || (other.term === last.term && other.index >= last.index);
  }

  append(entries: readonly Entry[]): number {
    const first = entries[0];
    if (first === undefined) return this.lastIndex();
    if (first.index <= this.committed) {
      throw invariantBroken(
        this.#logger,
        `append at ${first.index} would replace committed entries (up to ${this.committed})`,
      );
    }
    this.#unstable.truncateAndAppend(entries);
    return this.lastIndex();
  }

  /**
   * Entries that follow `previous` in a leader's log. Index of the last of them, or `undefined` if
   * `previous` is not in this log. Only what conflicts is replaced: a late message takes nothing back.
   */
  maybeAppend(previous: EntryId, entries: readonly Entry[], committed: number): number | undefined {
    if (!this.matches(previous.index, previous.term)) return undefined;
    const last = previous.index + entries.length;
    const conflict = entries.findIndex((entry) => !this.matches(entry.index, entry.term));
    if (conflict >= 0) {
      const at = previous.index + 1 + conflict;
      if (at <= this.committed) {
        throw invariantBroken(
          this.#logger,
          `entry ${at} conflicts with one that is committed (up to ${this.committed})`,
        );
      }
      if (at <= this.lastIndex()) this.#logger.info(`replacing the log from index ${at} on`);
      this.append(conflict === 0 ? entries : entries.slice(conflict));
    }
    this.commitTo(Math.min(committed, last));
    return last;
  }

  /** The last entry up to `index` whose term is not above `term`: no later one can be shared. */
  lastNotAbove(index: number, term: number): EntryId {
    for (let at = index; at > 0; at--) {
      const own = this.term(at);
      if (typeof own !== 'number') return { index: at, term: 0 };
      if (own <= term) return { index: at, term: own };
    }
    return { index: 0, term: 0 };
  }

  commitTo(index: number): void {
    if (index <= this.committed) return;
    if (index > this.lastIndex()) {
      throw invariantBroken(
        this.#logger,
        `commit index ${index} is beyond the log's end ${this.lastIndex()}: was the log truncated?`,
      );
    }
    this.committed = index;
  }

  /** Only an entry of the leader's own term is committed by counting; those before it come along. */
  maybeCommit(index: number, term: number): boolean {
    if (index <= this.committed || term === 0 || !this.matches(index, term)) return false;
    this.commitTo(index);
    return true;
  }

  /** Entries in `[lo, hi)`, cut to `maxSize` bytes. */
  slice(lo: number, hi: number, maxSize: number): readonly Entry[] | LogGap {
    if (lo < this.firstIndex()) return 'compacted';
    if (hi > this.lastIndex() + 1 || lo > hi) {
      throw invariantBroken(this.#logger, `entries [${lo},${hi}) are beyond ${this.lastIndex()}`);
    }
    if (lo === hi) return [];
    const { offset } = this.#unstable;
    if (lo >= offset) return limitSize(this.#unstable.slice(lo, hi), maxSize);
    const cut = Math.min(hi, offset);
    const stable = this.#storage.entries(lo, cut, maxSize);
    if (typeof stable === 'string') {
      if (stable === 'compacted') return stable;
      throw invariantBroken(this.#logger, `entries [${lo},${cut}) are not in the storage`);
    }
    if (hi <= offset || stable.length < cut - lo) return stable;
    return limitSize([...stable, ...this.#unstable.slice(offset, hi)], maxSize);
  }

  entriesFrom(index: number, maxSize: number): readonly Entry[] | LogGap {
    if (index > this.lastIndex()) return [];
    return this.slice(index, this.lastIndex() + 1, maxSize);
  }

  snapshot(): Snapshot | 'unavailable' {
    return this.#unstable.snapshot ?? this.#storage.snapshot();
  }

  restore(snapshot: Snapshot): void {
    this.#unstable.restore(snapshot);
    this.committed = snapshot.index;
  }

  get hasUnstableEntries(): boolean {
    return this.#unstable.length > 0;
  }

  get hasUnstableSnapshot(): boolean {
    return this.#unstable.snapshot !== null;
  }

  get hasNextEntries(): boolean {
    return this.#unstable.hasNextEntries;
  }

  nextEntries(): readonly Entry[] {
    return this.#unstable.nextEntries();
  }

  nextSnapshot(): Snapshot | null {
    return this.#unstable.nextSnapshot();
  }

  acceptUnstable(): void {
    this.#unstable.acceptInProgress();
  }

  stableTo(index: number, term: number): void {
    this.#unstable.stableTo(index, term);
  }

  stableSnapshotTo(index: number): void {
    this.#unstable.stableSnapshotTo(index);
  }

  /** Whether there are committed entries to hand out; without `allowUnstable`, stable ones only. */
  hasNextCommitted(allowUnstable: boolean): boolean {
    if (this.#applyingPaused || this.hasUnstableSnapshot) return false;
    return this.applying < this.#maxAppliable(allowUnstable);
  }

  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return [];
    const room = this.#maxApplyingSize - this.#applyingSize;
    const next = this.slice(this.applying + 1, this.#maxAppliable(allowUnstable) + 1, room);
    if (typeof next === 'string') {
      throw invariantBroken(this.#logger, `committed entries are ${next}`);
    }
    return next;
  }

  /** Committed entries up to `index`, of `size` bytes, were handed out. */
  acceptApplying(index: number, size: number, allowUnstable: boolean): void {
    this.applying = index;
    this.#applyingSize += size;
    // When a batch was cut short the next one waits for it, however little room was left.
    this.#applyingPaused =
      this.#applyingSize >= this.#maxApplyingSize || index < this.#maxAppliable(allowUnstable);
  }

  appliedTo(index: number, size: number): void {
    if (index > this.committed || index < this.applied) {
      throw invariantBroken(
        this.#logger,
        `applied ${index} is outside of [${this.applied}, ${this.committed}]`,
      );
    }
    this.applied = index;
    this.applying = Math.max(this.applying, index);
    this.#applyingSize = Math.max(0, this.#applyingSize - size);
    this.#applyingPaused = this.#applyingSize >= this.#maxApplyingSize;
  }

  /** Whether any entry in `(applied, committed]` changes the configuration. */
  hasUnappliedConfChange(pageSize: number): boolean {
    let from = this.applied + 1;
    while (from <= this.committed) {
      const page = this.slice(from, this.committed + 1, pageSize);
      if (typeof page === 'string')
        throw invariantBroken(this.#logger, `unapplied entries: ${page}`);
      if (page.some((entry) => entry.type !== 'normal')) return true;
      from += page.length;
    }
    return false;
  }

  #maxAppliable(allowUnstable: boolean): number {
    if (allowUnstable) return this.committed;
    return Math.min(this.committed, this.#unstable.offset - 1);
  }
}
