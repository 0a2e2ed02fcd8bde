export interface RaftStoreLimits {
  readonly segmentBytes: number;
  /** A snapshot is taken after so many entries, or so many bytes of them. */
  readonly snapshotEntries: number;
  readonly snapshotBytes: number;
  /** Entries that stay in memory behind a snapshot, for a peer that is a little late. */
  readonly keptEntries: number;
  /** How many revisions a watch can look back. */
  readonly historyLimit: number;
  /** Space kept for fence intents and proofs on a full disk. */
  readonly reserveBytes: number;
  /** A full disk is tried again at this interval. */
  readonly spaceCheckMs: number;
  /** A write without an answer is ambiguous after this, a read has failed. */
  readonly deadlineMs: number;
  /** What gets no answer, or is not taken, is asked again after this: there may just be no leader. */
  readonly retryMs: number;
  /** Writes that wait for an answer; more are refused. */
  readonly waitingWrites: number;
}

export const usualLimits: RaftStoreLimits = {
  segmentBytes: 16 << 20,
  snapshotEntries: 10_000,
  snapshotBytes: 32 << 20,
  keptEntries: 1_000,
  historyLimit: 10_000,
  reserveBytes: 8 << 20,
  spaceCheckMs: 10_000,
  deadlineMs: 2_000,
  retryMs: 200,
  waitingWrites: 10_000,
};
