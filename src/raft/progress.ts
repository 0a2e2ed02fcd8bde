import type { Inflights } from './inflights.ts';

/**
 * How a leader feeds one peer.
 * - `probe`: where the logs agree is not known; one append with entries at a time.
 * - `replicate`: it is known; appends are pipelined and `next` runs ahead of `match`.
 * - `snapshot`: the entries it needs are gone; nothing is sent until it is back within the log.
 */
export type Flow = 'probe' | 'replicate' | 'snapshot';

/** What a leader knows of one peer's log. Always `match < next`. */
export class Progress {
  /** Known to be stored by the peer. */
  match: number;
  /** First index of the next append. */
  next: number;
  /** The highest commit index sent that the peer could have followed. */
  #sentCommit = 0;
  flow: Flow = 'probe';
  pendingSnapshot = 0;
  /** Heard of since the last check of the quorum. */
  recentActive: boolean;
  /** No appends until the peer answers. */
  appendsPaused = false;
  readonly inflights: Inflights;
  isLearner: boolean;

  constructor(fields: {
    readonly match: number;
    readonly next: number;
    readonly isLearner: boolean;
    readonly recentActive: boolean;
    readonly inflights: Inflights;
  }) {
    this.match = fields.match;
    this.next = fields.next;
    this.isLearner = fields.isLearner;
    this.recentActive = fields.recentActive;
    this.inflights = fields.inflights;
  }

  get paused(): boolean {
    return this.flow === 'snapshot' || this.appendsPaused;
  }

  becomeProbe(): void {
    // A snapshot that was delivered moves the peer to its end, acknowledged or not.
    const reached = Math.max(this.match, this.pendingSnapshot);
    this.#enter('probe');
    this.next = reached + 1;
    this.#capSentCommit();
  }

  becomeReplicate(): void {
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(snapshotIndex: number): void {
    this.#enter('snapshot');
    this.pendingSnapshot = snapshotIndex;
    this.next = snapshotIndex + 1;
    this.#sentCommit = snapshotIndex;
  }

  sentEntries(count: number, bytes: number): void {
    if (this.flow === 'replicate') {
      if (count > 0) {
        this.next += count;
        this.inflights.add(this.next - 1, bytes);
      }
      this.appendsPaused = this.inflights.full;
    } else if (count > 0) {
      this.appendsPaused = true;
    }
  }

  sentCommit(index: number): void {
    this.#sentCommit = index;
  }

  /** Whether telling the peer this commit index may move its own. */
  canBumpCommit(index: number): boolean {
    return index > this.#sentCommit && this.#sentCommit < this.next - 1;
  }

  /** The peer stores everything up to `index`. False if that was known. */
  advanceTo(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.appendsPaused = false;
    return true;
  }

  /** The peer refused an append after `rejected`. False if that word is older than what is known. */
  retreatFrom(rejected: number, hint: number): boolean {
    if (this.flow === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else {
      if (this.next - 1 !== rejected) return false;
      this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
      this.appendsPaused = false;
    }
    this.#capSentCommit();
    return true;
  }

  clone(): Progress {
    const copy = new Progress({
      match: this.match,
      next: this.next,
      isLearner: this.isLearner,
      recentActive: this.recentActive,
      inflights: this.inflights.clone(),
    });
    copy.flow = this.flow;
    copy.pendingSnapshot = this.pendingSnapshot;
    copy.appendsPaused = this.appendsPaused;
    copy.#sentCommit = this.#sentCommit;
    return copy;
  }

  #enter(flow: Flow): void {
    this.flow = flow;
    this.appendsPaused = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }

  #capSentCommit(): void {
    this.#sentCommit = Math.min(this.#sentCommit, this.next - 1);
  }
}
