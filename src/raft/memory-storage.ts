import { limitSize } from './entry-size.ts';
import type { ConfState, Entry, HardState, LogGap, Snapshot, Storage } from './types.ts';

const nothing: Snapshot = {
  index: 0,
  term: 0,
  confState: { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
  data: new Uint8Array(),
};

/** Stable storage that lives in memory: what a log on disk reads back, or all there is in a test. */
export class MemoryStorage implements Storage {
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #snapshot: Snapshot = nothing;
  /** Where the log begins: the entry that was compacted away last. */
  #before: { readonly index: number; readonly term: number } = { index: 0, term: 0 };
  #entries: Entry[] = [];

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#snapshot.confState };
  }

  firstIndex(): number {
    return this.#before.index + 1;
  }

  lastIndex(): number {
    return this.#before.index + this.#entries.length;
  }

  term(index: number): number | LogGap {
    if (index < this.#before.index) return 'compacted';
    if (index === this.#before.index) return this.#before.term;
    return this.#entries[index - this.#before.index - 1]?.term ?? 'unavailable';
  }

  entries(lo: number, hi: number, maxSize: number): readonly Entry[] | LogGap {
    if (lo <= this.#before.index) return 'compacted';
    if (hi > this.lastIndex() + 1) return 'unavailable';
    const first = this.#before.index + 1;
    return limitSize(this.#entries.slice(lo - first, hi - first), maxSize);
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** The log becomes the snapshot; `older` if a newer one is here already. */
  applySnapshot(snapshot: Snapshot): 'ok' | 'older' {
    if (snapshot.index <= this.#snapshot.index) return 'older';
    this.#snapshot = snapshot;
    this.#before = { index: snapshot.index, term: snapshot.term };
    this.#entries = [];
    return 'ok';
  }

  /** Keeps a snapshot of the state up to `index`, to be sent to who is too far behind. */
  keepSnapshot(index: number, confState: ConfState, data: Uint8Array): 'ok' | 'older' {
    if (index <= this.#snapshot.index) return 'older';
    const term = this.term(index);
    if (typeof term !== 'number') throw new Error(`snapshot at ${index}: ${term}`);
    this.#snapshot = { index, term, confState, data };
    return 'ok';
  }

  /** Entries in a row; whatever stood at their places or after them is gone. */
  append(entries: readonly Entry[]): void {
    const kept = entries.filter((entry) => entry.index > this.#before.index);
    const first = kept[0];
    if (first === undefined) return;
    if (first.index > this.lastIndex() + 1) {
      throw new Error(`append at ${first.index} leaves a hole after ${this.lastIndex()}`);
    }
    this.#entries.length = first.index - this.#before.index - 1;
    for (const entry of kept) this.#entries.push(entry);
  }

  /** Drops the entries up to `index`, which must be applied; its term is remembered. */
  compact(index: number): 'ok' | 'compacted' {
    if (index <= this.#before.index) return 'compacted';
    const term = this.term(index);
    if (typeof term !== 'number') throw new Error(`compact up to ${index}: ${term}`);
    this.#entries = this.#entries.slice(index - this.#before.index);
    this.#before = { index, term };
    return 'ok';
  }
}
