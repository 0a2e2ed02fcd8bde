import type { HoldMember, MembershipRecord } from '../model/membership.ts';
import type { NodeRecord } from '../model/node.ts';
import type { Draft } from './draft.ts';

/** While so many are remembered, no new one is made: what is used is at most that old. */
const keptMemberships = 16;

/**
 * Who counts for peer hold (docs/peer-hold.md): the nodes with an admitted incarnation, from its
 * admission until it is proven dead or forgotten. An earlier membership is forgotten only when every
 * one of them has acknowledged the newest, since whoever has not may be using it.
 */
export function decideMembership(draft: Draft): void {
  const record = draft.membership();
  const admitted = draft.nodes().filter(hasIncarnation);
  const wanted = draft.settings().peerHold && admitted.some(fencesItself) ? admitted : [];
  const members = wanted
    .map(({ id, certificateFingerprint }) => ({ node: id, fingerprint: certificateFingerprint }))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
  if (!isSame(record.members, members)) {
    if (record.earlier.length < keptMemberships) draft.put(withMembers(draft, record, members));
    return;
  }
  const isSettled = admitted.every(({ incarnation }) => incarnation?.membership === record.mark);
  if (record.earlier.length > 0 && isSettled) draft.put({ ...record, earlier: [] });
}

function withMembers(
  draft: Draft,
  record: MembershipRecord,
  members: readonly HoldMember[],
): MembershipRecord {
  const { number, mark, earlier } = record;
  const last = { mark, nodes: record.members.map(({ node }) => node) };
  return {
    kind: 'membership',
    number: number + 1,
    mark: `${draft.state.epoch}.${number + 1}`,
    members,
    earlier: number === 0 ? [] : [...earlier, last],
  };
}

function hasIncarnation({ phase, incarnation }: NodeRecord): boolean {
  return incarnation !== null && phase !== 'joining' && phase !== 'fenced';
}

function fencesItself({ incarnation }: NodeRecord): boolean {
  return incarnation?.isolation === 'selfFencing';
}

function isSame(one: readonly HoldMember[], other: readonly HoldMember[]): boolean {
  return (
    one.length === other.length &&
    one.every(
      ({ node, fingerprint }, index) =>
        other[index]?.node === node && other[index].fingerprint === fingerprint,
    )
  );
}
