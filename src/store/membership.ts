/** A manager as the store's consensus knows it. */
export interface Member {
  /** Never given to another manager. */
  readonly number: number;
  readonly name: string;
  /** `host:port` of the manager's session port. */
  readonly address: string;
}

/**
 * What became of a change. `refused`: certainly not made, for example because a learner is behind.
 * `ambiguous`: it may still come about; every change may be asked for again.
 */
export type MembershipOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly because: string }
  | { readonly kind: 'ambiguous'; readonly detail: string };

/**
 * Who votes in the store. The registry of managers says who should; the leader brings the two
 * together, so each change is idempotent: asking for what is so already is `done`.
 */
export interface Membership {
  /** False where the store has servers of its own, so that managers come and go without it. */
  readonly managersVote: boolean;
  /** Numbers of all members, learners included. Rejects when it cannot be told now. */
  list(): Promise<readonly number[]>;
  addLearner(member: Member): Promise<MembershipOutcome>;
  /** Refused while the learner is behind. */
  promote(number: number): Promise<MembershipOutcome>;
  remove(number: number): Promise<MembershipOutcome>;
  /**
   * Resolves when this member is none any more; never where managers do not vote. Until then the
   * others may need its vote, even for its own removal: of two, neither can let the other go alone.
   */
  left(): Promise<void>;
}

const done = (): Promise<MembershipOutcome> => Promise.resolve({ kind: 'done' });

/** For stores that managers are only clients of: etcd, and the one in memory. */
export const storeApart: Membership = {
  managersVote: false,
  list: () => Promise.resolve([]),
  addLearner: done,
  promote: done,
  remove: done,
  left: () => new Promise(() => undefined),
};
