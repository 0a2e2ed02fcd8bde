import { allowedOf } from '../guard/budget.ts';
import { commonLabels } from '../guard/common-label.ts';
import type { FenceOperation } from '../model/fence-operation.ts';
import type { GovernorHold, GovernorRecord } from '../model/governor.ts';
import type { NodeId } from '../model/ids.ts';
import type { NodeRecord } from '../model/node.ts';
import type { Draft } from './draft.ts';
import { isAutomatic, openFenceOf } from './open-fence.ts';
import { incidentOf } from './incident.ts';

/** Lets go what the governor holds. */
export const releaseCommand = 'kennel governor release --reason "..."';

/**
 * The storm governor: more nodes lost at once, or powered off within a window, than budgets allow
 * become one incident. Its fencing waits until a person releases it, or until no more of its nodes are
 * out than may be lost at once. Passive proofs (already Off, a new boot id) pass: they harm nobody.
 */
export function decideGovernor(draft: Draft): void {
  if (draft.isFull()) return;
  const before = draft.governor();
  if (isIdle(before) && !draft.fences().some(isOpen)) return;
  const kept: GovernorRecord = {
    ...before,
    spent: spentNow(draft),
    released: before.released.filter((id) => isOut(draft, id)),
  };
  const next = kept.hold === null ? withHold(draft, kept) : withHeld(draft, kept, kept.hold);
  if (!isSame(before, next)) draft.put(next);
}

function isIdle({ hold, released, spent }: GovernorRecord): boolean {
  return hold === null && released.length === 0 && spent.length === 0;
}

const isOpen = ({ phase }: FenceOperation): boolean => phase === 'intent' || phase === 'acting';

/** Different nodes against which a device command of an automatic operation counts. */
export function shotInWindow(draft: Draft): ReadonlySet<NodeId> {
  const { spent, released } = draft.governor();
  const nodes = new Set(spent.map((one) => one.node));
  for (const fence of draft.fences()) if (counts(fence)) nodes.add(fence.node);
  for (const id of released) nodes.delete(id);
  return nodes;
}

/** Acting on its own account: what a person wanted costs no budget. */
function counts(fence: FenceOperation): boolean {
  return fence.phase === 'acting' && isAutomatic(fence);
}

/**
 * The operations of the window. An age is what this leader has seen of it: a new one lets them count
 * for longer rather than not at all.
 */
function spentNow(draft: Draft): GovernorRecord['spent'] {
  const { spent, released } = draft.governor();
  const { nowMs, fencePhaseSince } = draft.observations;
  const { windowMs } = draft.state.settings.guards;
  const kept = spent.filter(({ fence }) => {
    const sinceMs = fencePhaseSince.get(fence)?.ms;
    if (sinceMs === undefined || nowMs - sinceMs >= windowMs) return false;
    draft.wakeAt(sinceMs + windowMs);
    return true;
  });
  const known = new Set(kept.map((one) => one.fence));
  const fresh = draft
    .fences()
    .filter((one) => counts(one) && !known.has(one.id) && !released.includes(one.node))
    .map((one) => ({ fence: one.id, node: one.node }));
  return [...kept, ...fresh];
}

/** A hold begins when the nodes to be proven dead exceed a budget. */
function withHold(draft: Draft, governor: GovernorRecord): GovernorRecord {
  const { guards } = draft.state.settings;
  const { fencing, total } = incidentOf(draft);
  const shot = shotInWindow(draft);
  const waits = fencing.filter((node) => openFenceOf(draft, node)?.phase === 'intent');
  const late = waits.filter((node) => !shot.has(node.id));
  if (waits.length > 0 && fencing.length > allowedOf(guards.atOnce, total)) {
    return begin(draft, governor, fencing, `${fencing.length} of ${total} nodes are lost at once`);
  }
  if (late.length > 0 && shot.size >= allowedOf(guards.perWindow, draft.nodes().length)) {
    const minutes = Math.round(guards.windowMs / 60_000);
    const because = `${shot.size} nodes were powered off within ${minutes} min, ${late.length} more are lost`;
    return begin(draft, governor, late, because);
  }
  return governor;
}

function begin(
  draft: Draft,
  governor: GovernorRecord,
  nodes: readonly NodeRecord[],
  because: string,
): GovernorRecord {
  const incidents = governor.incidents + 1;
  const common = commonLabels(nodes);
  const hold: GovernorHold = {
    incident: `I-${incidents}`,
    nodes: nodes.map((node) => node.id).sort(),
    because: common === null ? because : `${because}, all of ${common}`,
    common,
    since: draft.observations.nowWall,
  };
  draft.event({
    code: 'GOVERNOR_HOLDS',
    severity: 'critical',
    node: null,
    vm: null,
    text: `${hold.incident}: ${hold.because} (${hold.nodes.join(', ')}); none is powered off until ${releaseCommand}`,
  });
  return { ...governor, incidents, hold };
}

/** The same incident, with what it has lost since; or its end. */
function withHeld(draft: Draft, governor: GovernorRecord, hold: GovernorHold): GovernorRecord {
  const { guards } = draft.state.settings;
  const { fencing, total } = incidentOf(draft);
  const nodes = [...new Set([...hold.nodes, ...fencing.map((node) => node.id)])].sort();
  const out = nodes.filter((id) => isOut(draft, id));
  if (out.length > allowedOf(guards.atOnce, total)) {
    return { ...governor, hold: { ...hold, nodes } };
  }
  const shot = shotInWindow(draft);
  const budget = allowedOf(guards.perWindow, draft.nodes().length);
  if (shot.size >= budget && out.some((id) => !shot.has(id))) {
    return { ...governor, hold: { ...hold, nodes } };
  }
  draft.event({
    code: 'GOVERNOR_RELEASED',
    severity: 'info',
    node: null,
    vm: null,
    text: `${hold.incident} is over: ${nodes.length - out.length} of its ${nodes.length} nodes are back`,
  });
  return { ...governor, hold: null };
}

/** Lost and not back: an operation against it is open, or it is proven dead. */
function isOut(draft: Draft, id: NodeId): boolean {
  const node = draft.node(id);
  return node !== undefined && (node.phase === 'fenced' || openFenceOf(draft, node) !== undefined);
}

function isSame(a: GovernorRecord, b: GovernorRecord): boolean {
  return (
    a.incidents === b.incidents &&
    a.hold?.nodes.join() === b.hold?.nodes.join() &&
    a.released.join() === b.released.join() &&
    a.spent.map((one) => one.fence).join() === b.spent.map((one) => one.fence).join()
  );
}
