import type { NodeId } from '../model/ids.ts';
import {
  defaultMigrationLimits,
  isByPolicy,
  type PolicyCause,
  type VmMove,
} from '../model/move.ts';
import { defaultSelfMoves, type VmRecord } from '../model/vm.ts';
import { disarmedNow } from './arming.ts';
import type { Draft } from './draft.ts';

/** After a move by policy that did not work out. */
export function failedOnce({ moveFailures = 0 }: VmRecord): Pick<VmRecord, 'moveFailures'> {
  return { moveFailures: moveFailures + 1 };
}

/** After a move that did. */
export const noFailedMoves: Pick<VmRecord, 'moveFailures'> = { moveFailures: undefined };

/**
 * Why no VM is moved by policy now; null = they may be. While nodes are lost, or nobody knows yet what
 * there is, where VMs run is the business of recovery alone.
 */
export function unrestBecause(draft: Draft): string | null {
  const { observations, state } = draft;
  const { settleMs } = state.settings.placement.selfMoves;
  if (disarmedNow(draft) !== null) return 'the cluster is disarmed';
  if (draft.governor().hold !== null) return 'an incident is open';
  if (observations.nowMs < observations.observingSinceMs + settleMs) {
    return 'this manager leads since a moment ago';
  }
  const lost = draft.nodes().find(({ phase }) => phase === 'fencing' || phase === 'blocked');
  if (lost !== undefined) return `${lost.id} is ${lost.phase}`;
  const homeless = draft
    .vms()
    .find((vm) => vm.desired === 'running' && vm.permit === null && vm.phase === 'stopped');
  return homeless === undefined ? null : `${homeless.spec.name} has no node`;
}

/** Wants a VM on a node because a policy says so. It is begun when its turn comes, or forgotten. */
export function wantMove(
  draft: Draft,
  vm: VmRecord,
  wish: { readonly to: NodeId; readonly cause: PolicyCause; readonly because: string },
): void {
  if (vm.permit === null) return;
  const { way } = vm.spec.selfMoves ?? defaultSelfMoves;
  const move: VmMove = {
    from: vm.permit.node,
    to: wish.to,
    way: way === 'never' ? 'live' : way,
    limits: defaultMigrationLimits,
    failures: 0,
    migration: null,
    cause: wish.cause,
  };
  draft.put({ ...vm, move });
  draft.event({
    code: 'VM_MOVE_BY_POLICY',
    severity: 'info',
    node: vm.permit.node,
    vm: vm.id,
    text: `${vm.spec.name} is to leave ${vm.permit.node} for ${wish.to} (${wish.cause}): ${wish.because}`,
  });
}

/** A move by policy that nothing was done for yet is forgotten: its reason may be gone. */
export function dropWaiting(draft: Draft): void {
  for (const vm of draft.vms()) {
    if (vm.move === null || !isByPolicy(vm.move.cause) || vm.move.migration !== null) continue;
    if (vm.phase === 'running' && vm.operation === null) draft.put({ ...vm, move: null });
  }
}
