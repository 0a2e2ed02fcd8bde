import type { ConfState, Entry, HardState, LogGap, Snapshot, Storage } from '../../raft/types.ts';
import type { SegmentedLog } from '../log/segmented-log.ts';
import { fromLogEntry } from './entry-form.ts';
import { noMembers } from './members.ts';

const noData = new Uint8Array(0);

/**
 * What the consensus core reads back, from the durable part of the log. A snapshot goes out without
 * its data: whoever sends it reads that from the disk (`SnapshotSender`).
 */
export class LogStorage implements Storage {
  readonly #log: SegmentedLog;
  /** By the index of a snapshot that is there or being written, ascending. */
  #confStates: readonly (readonly [index: number, conf: ConfState])[] = [];

  #lastChange = 0;

  constructor(log: SegmentedLog) {
    this.#log = log;
  }

  /** Tells the configuration of a snapshot; before its mark is in the log. */
  expectSnapshot(index: number, conf: ConfState): void {
    const newest = this.#log.snapshot?.index ?? 0;
    this.#confStates = [...this.#confStates.filter(([at]) => at >= newest), [index, conf]];
  }

  /** The members changed with this entry. */
  membersChanged(index: number): void {
    this.#lastChange = index;
  }

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    const hardState = this.#log.hardState ?? { term: 0, vote: 0, commit: 0 };
    return { hardState, confState: this.#confStateAt(this.#log.snapshot?.index ?? 0) };
  }

  firstIndex(): number {
    return this.#log.firstIndex;
  }

  lastIndex(): number {
    return this.#log.lastIndex;
  }

  term(index: number): number | LogGap {
    const term = this.#log.termAt(index);
    if (term !== null) return term;
    return index < this.#log.firstIndex ? 'compacted' : 'unavailable';
  }

  entries(lo: number, hi: number, maxSize: number): readonly Entry[] | LogGap {
    if (lo < this.#log.firstIndex) return 'compacted';
    if (hi > this.#log.lastIndex + 1) return 'unavailable';
    const found = this.#log.readFrom(lo, maxSize, hi - lo);
    return found.map(fromLogEntry);
  }

  /**
   * `unavailable` until there is one that knows of the last change of members: a newcomer refuses one
   * in which it does not occur.
   */
  snapshot(): Snapshot | 'unavailable' {
    const mark = this.#log.snapshot;
    if (mark === null || mark.index < this.#lastChange) return 'unavailable';
    const confState = this.#confStateAt(mark.index);
    return { index: mark.index, term: mark.term, confState, data: noData };
  }

  #confStateAt(index: number): ConfState {
    return this.#confStates.find(([at]) => at === index)?.[1] ?? noMembers.conf;
  }
}
