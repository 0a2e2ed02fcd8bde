import type { FenceOperation } from '../model/fence-operation.ts';
import type { NodeRecord } from '../model/node.ts';
import type { VmPriority, VmRecord } from '../model/vm.ts';
import { explainPlacement, place, type PlacementNode } from '../placement/place.ts';
import { addUsage, usageByNode } from '../placement/usage.ts';
import { isLost, isSuspect } from '../timing/silence.ts';
import type { Draft } from './draft.ts';
import { notePlaced } from './failovers.ts';
import { nextPermit, withStart } from './operations.ts';
import { isMovable, proofFor, runsOn } from './ownership.ts';

const rank: Readonly<Record<VmPriority, number>> = { high: 0, medium: 1, low: 2 };

/** How soon a VM that fits nowhere is looked at again, in ms. */
const retryPlacementMs = 1000;

interface Waiting {
  readonly vm: VmRecord;
  /** The proof that frees it; null when nobody owns it. */
  readonly fence: FenceOperation | null;
}

/**
 * Gives an owner to every VM that should run and whose last owner is gone: nobody holds its
 * permit, or a proof covers the holder. By priority, then the largest first.
 */
export function decideRecovery(draft: Draft): void {
  const waiting = waitingVms(draft);
  if (waiting.length === 0 || isGathering(draft)) return;
  const input = {
    nodes: draft.nodes().map((node) => placementNode(draft, node)),
    usage: usageByNode(draft.vms()),
    vcpuOvercommit: draft.state.settings.vcpuOvercommit,
  };
  for (const { vm, fence } of waiting) {
    if (draft.isFull()) break;
    const running = runsOn(vm, draft);
    if (running.length > 0) {
      explain(
        draft,
        vm,
        `runs on ${running.join(', ')} without a permit; it is stopped there first`,
      );
      continue;
    }
    if (vm.strays.length > 0) {
      const nodes = vm.strays.map((stray) => stray.node).join(', ');
      explain(draft, vm, `may run on ${nodes} without a permit; that is to be over first`);
      continue;
    }
    const placement = place(vm, input);
    if (placement.kind === 'nowhere') {
      explain(draft, vm, explainPlacement(placement));
      // Nodes also open without an event of their own, for example when a heartbeat arrives late.
      draft.wakeAt(draft.observations.nowMs + retryPlacementMs);
      continue;
    }
    const node = draft.node(placement.node);
    if (node?.incarnation == null) continue;
    const start = withStart(
      { ...vm, failover: fence?.failover ?? vm.failover },
      nextPermit(vm, node.id, node.incarnation),
      fence === null ? 'starting' : 'recovering',
    );
    draft.put({ ...start, reason: null });
    addUsage(input.usage, node.id, vm);
    notePlaced(draft, start, explainPlacement(placement));
  }
}

/**
 * A new leader hears its nodes one by one. It gives them the time to reconnect, so that the first
 * one to be heard is not given everything.
 */
function isGathering(draft: Draft): boolean {
  const { observations, state } = draft;
  const dueMs = observations.observingSinceMs + state.settings.timing.reconnectMs;
  if (observations.nowMs >= dueMs) return false;
  const missing = draft.nodes().some((node) => {
    if (node.phase !== 'online') return false;
    const seen = observations.nodes.get(node.id);
    return seen === undefined || seen.lastLeaseMs === null;
  });
  if (missing) draft.wakeAt(dueMs);
  return missing;
}

function waitingVms(draft: Draft): readonly Waiting[] {
  const waiting: Waiting[] = [];
  for (const vm of draft.vms()) {
    if (!isMovable(vm) || vm.deleting) continue;
    if (vm.permit === null) {
      if (vm.phase === 'stopped' && vm.desired === 'running') waiting.push({ vm, fence: null });
      continue;
    }
    if (vm.phase === 'stopping') continue;
    const fence = proofFor(draft, vm.permit.incarnation);
    if (fence === undefined) continue;
    if (vm.desired === 'running') waiting.push({ vm, fence });
    else if (!draft.isFull())
      draft.put({ ...vm, phase: 'stopped', permit: null, operation: null, failover: null });
  }
  return waiting.sort((a, b) => comparePriority(a.vm, b.vm));
}

function comparePriority(a: VmRecord, b: VmRecord): number {
  const byRank = rank[a.spec.priority] - rank[b.spec.priority];
  if (byRank !== 0) return byRank;
  if (a.spec.memoryMiB !== b.spec.memoryMiB) return b.spec.memoryMiB - a.spec.memoryMiB;
  return a.spec.name < b.spec.name ? -1 : 1;
}

/** Keeps the reason of a wait in the record, written only when it changes. */
function explain(draft: Draft, vm: VmRecord, reason: string): void {
  if (vm.reason !== reason) draft.put({ ...vm, reason });
}

function placementNode(draft: Draft, node: NodeRecord): PlacementNode {
  return { id: node.id, capacity: node.capacity, closed: closedBecause(draft, node) };
}

/** Why nothing may be placed on a node now; null = it may. */
export function closedBecause(draft: Draft, node: NodeRecord): string | null {
  if (node.phase !== 'online' || node.incarnation === null) return node.phase;
  if (node.maintenance) return 'in maintenance';
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
