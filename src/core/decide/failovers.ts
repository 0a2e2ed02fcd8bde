import type { FailoverRecord, FailoverVm } from '../model/failover.ts';
import type { VmRecord } from '../model/vm.ts';
import { isLeftAlone } from './arming.ts';
import type { Draft } from './draft.ts';

/** Notes in the failover record what became of one of its VMs. Nothing when it has none. */
function patch(draft: Draft, vm: VmRecord, change: Partial<FailoverVm>): void {
  if (vm.failover === null) return;
  const failover = draft.failover(vm.failover);
  if (failover === undefined || failover.outcome !== 'open') return;
  draft.put({
    ...failover,
    vms: failover.vms.map((one) => (one.vm === vm.id ? { ...one, ...change } : one)),
  });
}

export function notePlaced(draft: Draft, vm: VmRecord, placement: string): void {
  patch(draft, vm, {
    to: vm.permit?.node ?? null,
    placement,
    placedAt: draft.observations.nowWall,
    failure: null,
  });
}

/** A VM that is off got another home. */
export function noteNewHome(draft: Draft, vm: VmRecord, placement: string): void {
  patch(draft, vm, { to: vm.home, placement, placedAt: draft.observations.nowWall });
}

export function noteStarted(draft: Draft, vm: VmRecord): void {
  patch(draft, vm, { startedAt: draft.observations.nowWall, failure: null });
}

export function noteFailure(draft: Draft, vm: VmRecord, failure: string): void {
  patch(draft, vm, { failure });
}

/** Closes failovers all of whose VMs run, or need not run any more. */
export function decideFailovers(draft: Draft): void {
  for (const failover of draft.state.failovers.values()) {
    if (draft.isFull()) return;
    const now = draft.failover(failover.id);
    if (now === undefined || now.outcome !== 'open') continue;
    // Only a restore leaves one open behind an operation that was called off.
    if (draft.fence(now.fence)?.phase === 'cancelled') {
      draft.put({ ...now, outcome: 'cancelled', closedAt: draft.observations.nowWall });
      continue;
    }
    if (now.proof === null) continue;
    if (now.vms.every((one) => isSettled(draft, now, one))) {
      draft.put({ ...now, outcome: 'completed', closedAt: draft.observations.nowWall });
      draft.event({
        code: 'FAILOVER_COMPLETED',
        severity: 'info',
        node: now.node,
        vm: null,
        text: `${now.id}: ${now.vms.filter((one) => one.startedAt !== null).length} of ${now.vms.length} VMs of ${now.node} run elsewhere`,
      });
    }
  }
}

function isSettled(draft: Draft, failover: FailoverRecord, one: FailoverVm): boolean {
  if (one.startedAt !== null) return true;
  const vm = draft.vm(one.vm);
  const dead = draft.fence(failover.fence)?.incarnation.id;
  // It went its own way meanwhile: stopped and started by hand, or caught by the next failover.
  if (vm !== undefined && vm.permit?.incarnation !== dead && vm.failover !== failover.id)
    return true;
  if (vm !== undefined && isLeftAlone(draft, vm)) return true;
  if (vm === undefined || vm.desired !== 'running') {
    return vm === undefined || vm.permit?.node !== failover.node || vm.phase === 'stopped';
  }
  // `failed` gave up for now; its own window tries again, outside this failover.
  return vm.phase === 'failed';
}
