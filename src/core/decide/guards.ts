import type { FenceOperation } from '../model/fence-operation.ts';
import type { NodeRecord } from '../model/node.ts';
import { isLost, isSuspect, lostAtMs } from '../timing/silence.ts';
import type { Draft } from './draft.ts';

/** A guard that forbids device commands now, and what a person can do about it. */
export interface Blocked {
  readonly guard: 'noDevice' | 'notSilent' | 'storm';
  readonly because: string;
  readonly try: string;
}

/**
 * Whether device commands may be sent for an operation (DESIGN §5, guards). Readings need no
 * leave: a node that is off already, or back with another boot id, is proven without any command.
 * Leadership and the manager's own stalls are judged elsewhere: by the guarded write that records
 * `acting`, and by the silence clock.
 */
export function guardAgainst(draft: Draft, fence: FenceOperation): Blocked | null {
  const node = draft.node(fence.node);
  if (node === undefined) return null;
  const confirmOff = `kennel node confirm-off ${node.id} --reason "..."`;
  if (node.fenceTopology.length === 0) {
    return {
      guard: 'noDevice',
      because: `${node.id} has no fence device`,
      try: confirmOff,
    };
  }
  if (fence.requestedBy.kind === 'person' || fence.override) return null;
  const { settings } = draft.state;
  const seen = draft.observations.nodes.get(node.id);
  // Whatever of it is heard: a new leader may inherit an intent against a node that lives.
  if (!isLost(seen, draft.observations, settings.timing)) {
    draft.wakeAt(lostAtMs(seen, draft.observations, settings.timing));
    return {
      guard: 'notSilent',
      because:
        seen?.lastHeartbeatMs == null
          ? `this manager has not listened for ${node.id} long enough`
          : `${node.id} has been heard again`,
      try: `kennel node show ${node.id}`,
    };
  }
  const { lost, total } = lostNodes(draft);
  if (lost > 1 && lost / total > settings.maxLostShare) {
    return {
      guard: 'storm',
      because: `${lost} of ${total} nodes are lost at once: this manager may be the isolated side`,
      try: `kennel node fence ${node.id} --override --reason "..."`,
    };
  }
  return null;
}

/**
 * Nodes of the present incident, out of all that held a lease when it began. Overdue heartbeats
 * count: those of a manager that is cut off from everybody stop at once, but not in step. A node
 * that was fenced a moment ago counts too, or nodes would be shot one after the other.
 */
function lostNodes(draft: Draft): { readonly lost: number; readonly total: number } {
  let lost = 0;
  let total = 0;
  for (const node of draft.nodes()) {
    if (node.maintenance) continue;
    const fenced = isFencedSinceJustNow(draft, node);
    if (node.incarnation === null && !fenced) continue;
    total += 1;
    const back = isBackSinceJustNow(draft, node) || isRebootedSinceJustNow(draft, node);
    if (fenced || back || isOverdueOrFencing(draft, node)) lost += 1;
  }
  return { lost, total };
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
