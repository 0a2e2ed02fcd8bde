import type { NodeId } from './ids.ts';

/** A node that promises and is promised to. Another machine of that name has another certificate. */
export interface HoldMember {
  readonly node: NodeId;
  /** SHA-256 of the certificate that the node joined with. */
  readonly fingerprint: string;
}

/** The nodes that count for peer hold, as they were at one time. */
export interface Membership {
  /** Tells it from every other one, also of a store that was restored: epoch and number. */
  readonly mark: string;
  readonly nodes: readonly NodeId[];
}

/** What "the nodes" are and were (docs/peer-hold.md). */
export interface MembershipRecord {
  readonly kind: 'membership';
  /** Memberships made so far. */
  readonly number: number;
  readonly mark: string;
  /** Sorted by name. Empty = nobody is held. */
  readonly members: readonly HoldMember[];
  /** Those that some node may be using still, oldest first. */
  readonly earlier: readonly Membership[];
}

export const noMembership: MembershipRecord = {
  kind: 'membership',
  number: 0,
  mark: '0.0',
  members: [],
  earlier: [],
};
