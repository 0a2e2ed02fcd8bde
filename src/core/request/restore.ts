import type { ClusterObject, Counters } from '../cluster-state.ts';
import type { FenceOperation } from '../model/fence-operation.ts';
import { token } from '../model/ids.ts';
import type { NodeRecord } from '../model/node.ts';
import { noTries, type VmRecord } from '../model/vm.ts';

/**
 * More than any VM changes its owner, and than any cluster fences, between a backup and its restore:
 * what is given out from now on is newer than all that agents and people may have met since.
 */
const tokensSkipped = 1_000_000;
const fencesSkipped = 1_000;

/**
 * A record of a backup as the restored store gets it (FAILURES M7). It says what was so once. So no
 * operation of then is carried on, what runs is taken over by whatever permit it runs, and all nodes
 * count as unheard. Owners stay: they may still run their VMs, and are asked to give up what they do
 * not. Pure; each object stands for itself.
 */
export function restored(object: ClusterObject, nowIso: string): ClusterObject {
  switch (object.kind) {
    case 'vm':
      return restoredVm(object);
    case 'node':
      return restoredNode(object, nowIso);
    case 'fence':
      return restoredFence(object);
    case 'counters':
      return restoredCounters(object);
    default:
      return object;
  }
}

function restoredVm(vm: VmRecord): VmRecord {
  const lastToken = token(vm.lastToken + tokensSkipped);
  if (vm.desired === 'ignored') return { ...vm, lastToken };
  return {
    ...vm,
    lastToken,
    // Whether the deletion came about is not known, and it may have been created anew.
    desired: vm.deleting ? 'stopped' : vm.desired,
    deleting: false,
    phase: vm.permit === null ? 'stopped' : 'running',
    operation: null,
    tries: noTries,
    move: null,
    failover: null,
    reason: null,
    adopting: true,
  };
}

/** An operation of then would fence a node that is well now. What a proof says stays true. */
function restoredNode(node: NodeRecord, nowIso: string): NodeRecord {
  const phase = node.incarnation === null ? 'joining' : 'online';
  return { ...node, phase, fence: null, unheardSince: nowIso };
}

function restoredFence(fence: FenceOperation): FenceOperation {
  switch (fence.phase) {
    case 'intent':
    case 'acting':
      return { ...fence, phase: 'cancelled' };
    case 'proven':
      return { ...fence, phase: 'closed' };
    default:
      return fence;
  }
}

function restoredCounters(counters: Counters): Counters {
  return {
    ...counters,
    fence: counters.fence + fencesSkipped,
    token: token(counters.token + tokensSkipped),
  };
}
