import { failoverId, fenceId, type NodeId } from '../model/ids.ts';
import type { FailoverRecord } from '../model/failover.ts';
import type { FenceOperation } from '../model/fence-operation.ts';
import type { NodeRecord } from '../model/node.ts';
import type { Draft } from './draft.ts';
import { movableVmsOf } from './ownership.ts';
import { withFlap } from './quarantine.ts';

/**
 * Records the intent to prove a node's admitted incarnation dead, and opens the failover record.
 * From its commit on, no lease of that incarnation is renewed. Returns null when there is no
 * incarnation to prove dead.
 */
export function openFence(
  draft: Draft,
  node: NodeRecord,
  requestedBy: FenceOperation['requestedBy'],
): FenceOperation | null {
  if (node.incarnation === null) return null;
  const counters = draft.counters();
  const number = counters.fence + 1;
  const fence: FenceOperation = {
    kind: 'fence',
    id: fenceId(`F-${number}`),
    node: node.id,
    incarnation: node.incarnation,
    phase: 'intent',
    epoch: draft.state.epoch,
    requestedBy,
    override: false,
    level: 1,
    told: [],
    attempts: [],
    proof: null,
    revoked: [],
    distrusted: distrustedOf(node.id, draft.fences()),
    failover: failoverId(`FO-${number}`),
  };
  draft.put({ ...counters, fence: number });
  draft.put(fence);
  draft.put(openFailover(draft, fence));
  const lost = requestedBy.kind === 'person' ? node : withFlap(node);
  draft.put({ ...lost, phase: 'fencing', fence: fence.id });
  draft.event({
    code: 'FENCE_INTENT',
    severity: 'warning',
    node: node.id,
    vm: null,
    text:
      requestedBy.kind === 'person'
        ? `${node.id} is to be proven dead, as asked (${fence.id})`
        : `${node.id} is lost; it is to be proven dead (${fence.id})`,
  });
  return fence;
}

/**
 * Devices of a node that said Off while it lived. They are believed again only after they were
 * added, and so probed, anew (FAILURES B6, B7).
 */
export function distrustedOf(node: NodeId, fences: Iterable<FenceOperation>): readonly string[] {
  const found = new Set<string>();
  for (const fence of fences) {
    if (fence.node === node) for (const device of fence.distrusted) found.add(device);
  }
  return [...found];
}

/**
 * The operation with a failover record of its own for what is still to come: the one it had is
 * sealed, and a sealed record is never written again.
 */
export function withNextFailover(draft: Draft, fence: FenceOperation): FenceOperation {
  const counters = draft.counters();
  const number = counters.fence + 1;
  const next = { ...fence, failover: failoverId(`FO-${number}`) };
  draft.put({ ...counters, fence: number });
  draft.put(openFailover(draft, next));
  return next;
}

function openFailover(draft: Draft, fence: FenceOperation): FailoverRecord {
  return {
    kind: 'failover',
    id: fence.failover,
    node: fence.node,
    fence: fence.id,
    lastSeenAt: draft.observations.nodes.get(fence.node)?.lastHeartbeatWall ?? null,
    detectedAt: draft.observations.nowWall,
    intentAt: null,
    firstOffAt: null,
    provenAt: null,
    proof: null,
    vms: movableVmsOf(draft, fence.node, fence.incarnation.id).map((vm) => ({
      vm: vm.id,
      name: vm.spec.name,
      from: fence.node,
      to: null,
      placement: null,
      placedAt: null,
      startedAt: null,
      failure: null,
    })),
    outcome: 'open',
    closedAt: null,
    hash: null,
    previousHash: null,
  };
}
