import type { HardState, LogEntry, SnapshotMark } from './payload.ts';

const marksKept = 2;

/**
 * The durable part of the log as it is kept in memory: entries from `firstIndex` on, the last hard
 * state, the last two snapshot marks. Fed by the same calls in replay and in operation.
 */
export class LogTail {
  /** Index of the entry before the first one kept. */
  #base: number;
  /** Term at `#base`; null when it is not known, before the first snapshot. */
  #baseTerm: number | null;
  #entries: LogEntry[] = [];
  #hardState: HardState | null = null;
  #marks: readonly SnapshotMark[] = [];

  constructor(base: number) {
    this.#base = base;
    this.#baseTerm = base === 0 ? 0 : null;
  }

  get firstIndex(): number {
    return this.#base + 1;
  }

  get lastIndex(): number {
    return this.#base + this.#entries.length;
  }

  get hardState(): HardState | null {
    return this.#hardState;
  }

  /** Oldest first, at most two. */
  get marks(): readonly SnapshotMark[] {
    return this.#marks;
  }

  /** Null when the entry is compacted away or not there yet. */
  termAt(index: number): number | null {
    if (index === this.#base) return this.#baseTerm;
    return this.#entries[index - this.#base - 1]?.term ?? null;
  }

  /** At most `count` entries from `index` on, until `maxBytes` are passed; at least one if there is one. */
  from(index: number, maxBytes: number, count: number): readonly LogEntry[] {
    if (index <= this.#base) throw new RangeError(`entry ${index} is compacted away`);
    const found: LogEntry[] = [];
    let size = 0;
    for (let at = index - this.#base - 1; found.length < count; at += 1) {
      const entry = this.#entries[at];
      if (entry === undefined) break;
      size += entry.bytes.length;
      if (found.length > 0 && size > maxBytes) break;
      found.push(entry);
    }
    return found;
  }

  /** Adds an entry and drops a conflicting tail. The caller has checked that it leaves no gap. */
  append(entry: LogEntry): void {
    if (entry.index > this.lastIndex + 1 || entry.index < 1) {
      throw new RangeError(`entry ${entry.index} does not follow ${this.lastIndex}`);
    }
    if (entry.index <= this.#base) {
      // In replay the oldest segment may begin with the rewrite of a tail that it does not hold.
      this.#base = entry.index - 1;
      this.#baseTerm = null;
    }
    this.#entries.length = entry.index - this.#base - 1;
    this.#entries.push(entry);
  }

  setHardState(state: HardState): void {
    this.#hardState = state;
  }

  /**
   * Records a snapshot. One that the log does not reach, or that disagrees with it, was installed
   * from a peer and replaces the log; entries behind it stay only when index and term match.
   */
  mark(mark: SnapshotMark): void {
    this.#marks = [...this.#marks.filter((other) => other.index < mark.index), mark].slice(
      -marksKept,
    );
    const known = this.termAt(mark.index);
    if (mark.index < this.#base || known === mark.term) return;
    if (mark.index === this.#base && known === null) {
      this.#baseTerm = mark.term;
      return;
    }
    this.#base = mark.index;
    this.#baseTerm = mark.term;
    this.#entries = [];
  }

  /** A mark whose snapshot turned out to be unreadable. */
  dropMark(mark: SnapshotMark): void {
    this.#marks = this.#marks.filter((other) => other !== mark);
  }

  /** Forgets entries up to and including `index`, which a snapshot must cover. */
  compactTo(index: number): void {
    if (index <= this.#base) return;
    const term = this.termAt(index);
    if (term === null) throw new RangeError(`cannot compact to ${index}: no such entry`);
    this.#entries.splice(0, index - this.#base);
    this.#base = index;
    this.#baseTerm = term;
  }
}
