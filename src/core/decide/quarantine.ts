import type { NodeRecord } from '../model/node.ts';
import type { NodeObservation } from '../observations.ts';
import { isSetAside } from './downtime.ts';
import type { Draft } from './draft.ts';

/** A node that was lost, or whose agent or machine restarted: one more that counts, unless that was to be. */
export function withFlap(node: NodeRecord): NodeRecord {
  return isSetAside(node) ? node : { ...node, flaps: (node.flaps ?? 0) + 1 };
}

/** The phase of a node that comes back: a flapping one gets no VMs until it has been quiet. */
export function phaseOnReturn(draft: Draft, node: NodeRecord): 'online' | 'quarantined' {
  const { flapLimit } = draft.state.settings.guards;
  return (node.flaps ?? 0) >= flapLimit && hasRoom(draft, node) ? 'quarantined' : 'online';
}

/**
 * Quarantine of an admitted node that is heard (FAILURES N20, W8). Losses leak away one by one while
 * it is quiet, so that as many as the limit within the window are needed. What it runs goes on;
 * nothing is placed there; it leaves after a quiet time, or when a person says so.
 */
export function decideQuarantine(
  draft: Draft,
  node: NodeRecord,
  seen: NodeObservation | undefined,
): NodeRecord {
  const { flapLimit, flapWindowMs, quietMs } = draft.state.settings.guards;
  const { nowMs, flapsSince } = draft.observations;
  const flaps = node.flaps ?? 0;
  const sinceMs = flapsSince.get(node.id)?.ms ?? nowMs;
  if (node.phase === 'quarantined') {
    const quietSinceMs = Math.max(sinceMs, seen?.gapsMs.at(-1) ?? sinceMs);
    if (nowMs - quietSinceMs >= quietMs) return release(draft, node, 'it has been quiet');
    draft.wakeAt(quietSinceMs + quietMs);
    return node;
  }
  const gaps = recentGaps(draft, seen);
  const isFlapping = gaps >= draft.state.settings.guards.gapLimit && !isOurOwnLink(draft);
  if ((flaps >= flapLimit || isFlapping) && hasRoom(draft, node)) {
    return quarantine(draft, node, isFlapping ? `${gaps} gaps in its heartbeats` : null);
  }
  if (flaps === 0) return node;
  const leakMs = flapWindowMs / flapLimit;
  if (nowMs - sinceMs < leakMs) {
    draft.wakeAt(sinceMs + leakMs);
    return node;
  }
  const calmer = { ...node, flaps: flaps - 1 };
  draft.put(calmer);
  return calmer;
}

/** Out of quarantine, with nothing counted against it. */
export function release(draft: Draft, node: NodeRecord, because: string): NodeRecord {
  const free: NodeRecord = { ...node, phase: 'online', flaps: 0 };
  draft.put(free);
  draft.event({
    code: 'NODE_UNQUARANTINED',
    severity: 'info',
    node: node.id,
    vm: null,
    text: `${node.id} takes VMs again: ${because}`,
  });
  return free;
}

function quarantine(draft: Draft, node: NodeRecord, gaps: string | null): NodeRecord {
  const { flapLimit } = draft.state.settings.guards;
  const next: NodeRecord = {
    ...node,
    phase: 'quarantined',
    flaps: Math.max(node.flaps ?? 0, flapLimit),
  };
  draft.put(next);
  announce(draft, next, gaps ?? `${node.flaps} losses or restarts`);
  return next;
}

export function announce(draft: Draft, node: NodeRecord, because: string): void {
  draft.event({
    code: 'NODE_QUARANTINED',
    severity: 'warning',
    node: node.id,
    vm: null,
    text: `${node.id} is quarantined, ${because}: it gets no new VMs (kennel node unquarantine ${node.id})`,
  });
}

/** At most half of the nodes: a cluster that places nothing anywhere is no help. */
function hasRoom(draft: Draft, node: NodeRecord): boolean {
  const nodes = draft.nodes();
  const others = nodes.filter((one) => one.phase === 'quarantined' && one.id !== node.id);
  return (others.length + 1) * 2 <= nodes.length;
}

function recentGaps(draft: Draft, seen: NodeObservation | undefined): number {
  const fromMs = draft.observations.nowMs - draft.state.settings.guards.gapWindowMs;
  return seen?.gapsMs.filter((atMs) => atMs >= fromMs).length ?? 0;
}

/** Most nodes have gaps: it is this manager's link that flaps, not theirs. */
function isOurOwnLink(draft: Draft): boolean {
  const nodes = draft.nodes();
  const limit = draft.state.settings.guards.gapLimit / 2;
  const flapping = nodes.filter(
    (node) => recentGaps(draft, draft.observations.nodes.get(node.id)) >= limit,
  );
  return flapping.length > 1 && flapping.length * 2 > nodes.length;
}
