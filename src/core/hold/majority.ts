import type { Membership, MembershipRecord } from '../model/membership.ts';
import type { NodeId } from '../model/ids.ts';
import { leastMembers } from './times.ts';

/** A node certainly held a lease, and made no promise, from the one instant on and before the other. */
export interface Stretch {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Older ones lie before every proof that is still to come. */
const keptStretches = 64;

/** The stretches with one more confirmation. One that joins on to the last makes it longer. */
export function withConfirmation(stretches: readonly Stretch[], next: Stretch): readonly Stretch[] {
  if (next.untilMs <= next.fromMs) return stretches;
  const last = stretches.at(-1);
  if (last === undefined || next.fromMs > last.untilMs) {
    return [...stretches, next].slice(-keptStretches);
  }
  if (next.untilMs <= last.untilMs) return stretches;
  return [...stretches.slice(0, -1), { fromMs: last.fromMs, untilMs: next.untilMs }];
}

export type Confirmed = ReadonlyMap<NodeId, readonly Stretch[]>;

/**
 * Since when, without a gap up to now, more than half of the members have certainly held a lease, not
 * counting the node in question; null = they do not now. Not always the same ones.
 */
export function majoritySinceMs(
  members: readonly NodeId[],
  except: NodeId,
  confirmed: Confirmed,
  nowMs: number,
): number | null {
  const stretches = members
    .filter((member) => member !== except)
    .flatMap((member) => confirmed.get(member) ?? []);
  // Now itself lies within the last part: what ends now does not reach it.
  const reaches = (one: Stretch, untilMs: number): boolean =>
    untilMs === nowMs ? one.untilMs > nowMs : one.untilMs >= untilMs;
  const isMajority = (fromMs: number, untilMs: number): boolean =>
    2 * stretches.filter((one) => one.fromMs <= fromMs && reaches(one, untilMs)).length >
    members.length;
  const edges = [...new Set(stretches.flatMap(({ fromMs, untilMs }) => [fromMs, untilMs]))]
    .filter((edgeMs) => edgeMs < nowMs)
    .sort((a, b) => b - a);
  let sinceMs: number | null = null;
  let untilMs = nowMs;
  for (const fromMs of edges) {
    if (!isMajority(fromMs, untilMs)) break;
    sinceMs = fromMs;
    untilMs = fromMs;
  }
  return sinceMs;
}

/**
 * The memberships that a node may be using: from the one that it acknowledged up to the newest; all
 * that are remembered when it acknowledged none. Null = the one it acknowledged is not known any more.
 */
export function membershipsInUse(
  record: MembershipRecord,
  acknowledged: string | null,
): readonly Membership[] | null {
  const { mark: newest, members, earlier } = record;
  const known = [...earlier, { mark: newest, nodes: members.map(({ node }) => node) }];
  if (acknowledged === null) return known;
  const at = known.findIndex(({ mark }) => mark === acknowledged);
  return at < 0 ? null : known.slice(at);
}

export type MajorityVerdict =
  /** The node is held by nobody. */
  | { readonly kind: 'notNeeded' }
  | { readonly kind: 'since'; readonly ms: number; readonly marks: readonly string[] }
  | { readonly kind: 'missing'; readonly because: string };

/** Whether it is certain, and since when, that nobody could promise enough to hold a node. */
export function majorityVerdict(question: {
  readonly record: MembershipRecord;
  readonly acknowledged: string | null;
  readonly node: NodeId;
  readonly confirmed: Confirmed;
  readonly nowMs: number;
}): MajorityVerdict {
  const { record, acknowledged, node, confirmed, nowMs } = question;
  const used = membershipsInUse(record, acknowledged);
  if (used === null) {
    return { kind: 'missing', because: `${node} acknowledged nodes that are not known any more` };
  }
  const held = used.filter(({ nodes }) => nodes.length >= leastMembers && nodes.includes(node));
  if (held.length === 0) return { kind: 'notNeeded' };
  let ms = Number.NEGATIVE_INFINITY;
  for (const { nodes } of held) {
    const sinceMs = majoritySinceMs(nodes, node, confirmed, nowMs);
    if (sinceMs === null) {
      return {
        kind: 'missing',
        because: `no more than half of ${nodes.length} nodes have confirmed their leases, so the others may hold ${node}`,
      };
    }
    ms = Math.max(ms, sinceMs);
  }
  return { kind: 'since', ms, marks: held.map(({ mark }) => mark) };
}
