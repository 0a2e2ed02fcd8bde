import type { NodeId } from '../model/ids.ts';
import type { NodeRecord } from '../model/node.ts';
import { isSuspect } from '../timing/silence.ts';
import { isAwaited, isEmptied, isSetAside } from './downtime.ts';
import type { Draft } from './draft.ts';
import { isAutomatic, openFenceOf } from './open-fence.ts';

/** Nodes of the present incident, out of all that held a lease when it began. */
export interface Incident {
  readonly total: number;
  /** Lost, overdue, or back a moment ago. */
  readonly lost: readonly NodeId[];
  /** Those of them that are to be proven dead, and that nobody let go. */
  readonly fencing: readonly NodeRecord[];
}

/**
 * Overdue heartbeats count: those of a manager that is cut off from everybody stop at once, but not
 * in step. A node that was fenced a moment ago counts too, or nodes would be shot one after the
 * other. Nodes that a person let go do not.
 */
export function incidentOf(draft: Draft): Incident {
  const { released } = draft.governor();
  const lost: NodeId[] = [];
  const fencing: NodeRecord[] = [];
  let total = 0;
  for (const node of draft.nodes()) {
    if (isSetAside(node) && (isAwaited(draft, node) || isEmptied(draft, node))) continue;
    const fenced = isFencedSinceJustNow(draft, node);
    if (node.incarnation === null && !fenced) continue;
    total += 1;
    if (released.includes(node.id)) continue;
    const back = isBackSinceJustNow(draft, node) || isRebootedSinceJustNow(draft, node);
    if (fenced || back || isOverdueOrFencing(draft, node)) lost.push(node.id);
    const fence = node.fence === null ? undefined : draft.fence(node.fence);
    if (fence === undefined || !isAutomatic(fence)) continue;
    if (fenced || openFenceOf(draft, node) !== undefined) fencing.push(node);
  }
  return { total, lost, fencing };
}

/** How long a fenced node counts as part of the same incident, in ms. */
const incidentMs = 60_000;

function isFencedSinceJustNow(draft: Draft, node: NodeRecord): boolean {
  if (node.phase !== 'fenced' || node.fence === null) return false;
  const sinceMs = draft.observations.fencePhaseSince.get(node.fence)?.ms;
  if (sinceMs === undefined) return true;
  const dueMs = sinceMs + incidentMs;
  if (draft.observations.nowMs >= dueMs) return false;
  draft.wakeAt(dueMs);
  return true;
}

/** How long after one node of an incident is heard again the others may take to be, in ms. */
const incidentEndMs = 15_000;

/**
 * Its fence was called off a moment ago: the incident is ending, and the nodes that are not heard
 * yet may be about to be (FAILURES W7, N18).
 */
function isBackSinceJustNow(draft: Draft, node: NodeRecord): boolean {
  const { fencePhaseSince, nowMs } = draft.observations;
  for (const fence of draft.fences()) {
    if (fence.node !== node.id || fence.phase !== 'cancelled') continue;
    // Called off by this very decision: the phase is not committed yet.
    const sinceMs = draft.isChanged(fence) ? nowMs : fencePhaseSince.get(fence.id)?.ms;
    const dueMs = (sinceMs ?? -incidentEndMs) + incidentEndMs;
    if (nowMs >= dueMs) continue;
    draft.wakeAt(dueMs);
    return true;
  }
  return false;
}

/**
 * It came back with another boot a moment ago: a whole site may be getting its power back, and the
 * late nodes of it are not to be fenced while they boot (FAILURES N19).
 */
function isRebootedSinceJustNow(draft: Draft, node: NodeRecord): boolean {
  const { fencePhaseSince, nowMs } = draft.observations;
  for (const fence of draft.fences()) {
    if (fence.node !== node.id || fence.proof?.kind !== 'newBoot') continue;
    const sinceMs = draft.isChanged(fence) ? nowMs : fencePhaseSince.get(fence.id)?.ms;
    const dueMs = (sinceMs ?? -incidentMs) + incidentMs;
    if (nowMs >= dueMs) continue;
    draft.wakeAt(dueMs);
    return true;
  }
  return false;
}

function isOverdueOrFencing(draft: Draft, node: NodeRecord): boolean {
  if (node.phase === 'fencing' || node.phase === 'blocked') return true;
  const seen = draft.observations.nodes.get(node.id);
  return isSuspect(seen, draft.observations, draft.state.settings.timing);
}
