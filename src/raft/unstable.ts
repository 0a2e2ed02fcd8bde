import type { Entry, Snapshot } from './types.ts';

/**
 * The end of the log that stable storage does not hold for certain yet: a snapshot, entries from
 * `offset` on, or both. Entries below `offsetInProgress` were handed out to be written.
 */
export class Unstable {
  snapshot: Snapshot | null = null;
  /** Never handed out itself, so that it can grow in place. */
  #entries: Entry[] = [];
  offset: number;
  offsetInProgress: number;
  #snapshotInProgress = false;

  constructor(offset: number) {
    this.offset = offset;
    this.offsetInProgress = offset;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Entries in `[lo, hi)`, both within what is unstable. */
  slice(lo: number, hi: number): readonly Entry[] {
    return this.#entries.slice(lo - this.offset, hi - this.offset);
  }

  /** Index of the last entry or of the snapshot; `undefined` if both are absent. */
  lastIndex(): number | undefined {
    if (this.#entries.length > 0) return this.offset + this.#entries.length - 1;
    return this.snapshot?.index;
  }

  term(index: number): number | undefined {
    if (index < this.offset) {
      return this.snapshot?.index === index ? this.snapshot.term : undefined;
    }
    return this.#entries[index - this.offset]?.term;
  }

  get hasNextEntries(): boolean {
    return this.#entries.length > this.offsetInProgress - this.offset;
  }

  /** Entries not handed out yet. */
  nextEntries(): readonly Entry[] {
    return this.#entries.slice(this.offsetInProgress - this.offset);
  }

  /** The snapshot, if it was not handed out yet. */
  nextSnapshot(): Snapshot | null {
    return this.#snapshotInProgress ? null : this.snapshot;
  }

  acceptInProgress(): void {
    if (this.#entries.length > 0) this.offsetInProgress = this.offset + this.#entries.length;
    if (this.snapshot !== null) this.#snapshotInProgress = true;
  }

  /**
   * Storage holds the entry of that index and term, and all before it. Says nothing if the entry was
   * replaced meanwhile: the write that replaces it is still on its way.
   */
  stableTo(index: number, term: number): void {
    if (index < this.offset || this.term(index) !== term) return;
    this.#entries = this.#entries.slice(index + 1 - this.offset);
    this.offset = index + 1;
    this.offsetInProgress = Math.max(this.offsetInProgress, this.offset);
  }

  stableSnapshotTo(index: number): void {
    if (this.snapshot?.index !== index) return;
    this.snapshot = null;
    this.#snapshotInProgress = false;
  }

  /** The log is replaced by a snapshot, whatever it held. */
  restore(snapshot: Snapshot): void {
    this.offset = snapshot.index + 1;
    this.offsetInProgress = this.offset;
    this.#entries = [];
    this.snapshot = snapshot;
    this.#snapshotInProgress = false;
  }

  /** Puts entries at their places; whatever stood there or after them is gone. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const from = (entries[0] as Entry).index;
    if (from <= this.offset) {
      this.#entries = [...entries];
      this.offset = from;
      this.offsetInProgress = from;
      return;
    }
    this.#entries.length = from - this.offset;
    for (const entry of entries) this.#entries.push(entry);
    this.offsetInProgress = Math.min(this.offsetInProgress, from);
  }
}
