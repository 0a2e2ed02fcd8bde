import type { EvacuationKind } from '../model/evacuation.ts';
import type { NodeRecord } from '../model/node.ts';
import { isLost, isSuspect } from '../timing/silence.ts';
import type { Draft } from './draft.ts';

const closedFor = {
  drain: 'drained',
  maintenance: 'in maintenance',
  shutdown: 'about to go down',
} as const satisfies Record<EvacuationKind, string>;

/** Why nothing may be placed on a node now; null = it may. */
export function closedBecause(draft: Draft, node: NodeRecord): string | null {
  if (node.phase !== 'online' || node.incarnation === null) return node.phase;
  if (node.evacuation !== undefined) return closedFor[node.evacuation.kind];
  if (node.downtime?.bootId === node.incarnation.bootId) return 'about to go down';
  if (node.cordoned) return 'cordoned';
  const { timing } = draft.state.settings;
  const seen = draft.observations.nodes.get(node.id);
  if (seen === undefined || !seen.sessionOpen || isLost(seen, draft.observations, timing)) {
    return 'not heard';
  }
  if (seen.incarnation?.id !== node.incarnation.id) return 'restarted a moment ago';
  if (isSuspect(seen, draft.observations, timing)) return 'heartbeats are overdue';
  if (seen.lastLeaseMs === null) return 'holds no lease yet';
  if (seen.report === null || seen.report.domains === null) return 'its hypervisor does not answer';
  if (seen.report.degraded !== null) return seen.report.degraded;
  return null;
}
