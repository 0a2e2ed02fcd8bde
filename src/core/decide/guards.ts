import type { FenceOperation } from '../model/fence-operation.ts';
import type { NodeRecord } from '../model/node.ts';
import { isLost, lostAtMs } from '../timing/silence.ts';
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

/** Nodes that held a lease and are silent or under an unproven fence, out of all that held one. */
function lostNodes(draft: Draft): { readonly lost: number; readonly total: number } {
  let lost = 0;
  let total = 0;
  for (const node of draft.nodes()) {
    if (node.incarnation === null || node.maintenance) continue;
    total += 1;
    if (isLostOrFencing(draft, node) || isBackSinceJustNow(draft, node)) lost += 1;
  }
  return { lost, total };
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

function isLostOrFencing(draft: Draft, node: NodeRecord): boolean {
  if (node.phase === 'fencing' || node.phase === 'blocked') return true;
  const seen = draft.observations.nodes.get(node.id);
  return isLost(seen, draft.observations, draft.state.settings.timing);
}
