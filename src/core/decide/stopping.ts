import type { VmRecord } from '../model/vm.ts';
import type { CommandOutcome } from '../observations.ts';
import type { Draft } from './draft.ts';
import { forget } from './forget.ts';
import type { Owner } from './ownership.ts';

/** How long an owner may take to acknowledge a release, beyond the guest's own time, in ms. */
const stopPatienceMs = 60_000;

/**
 * Waits for the owner's release. One that cannot stop the VM keeps its permit, because what may run
 * there may not start elsewhere; the record becomes `failed`, and the release is asked for on and on.
 */
export function decideStopping(draft: Draft, vm: VmRecord, owner: Owner): void {
  if (owner.kind === 'none') {
    settle(draft, vm);
    return;
  }
  if (owner.kind === 'dead') {
    settle(draft, { ...vm, permit: null });
    return;
  }
  const command =
    vm.operation === null ? undefined : draft.observations.commands.get(vm.operation.id);
  const outcome = command?.outcome ?? null;
  if (outcome === null) return;
  if (outcome.kind === 'done') {
    settle(draft, { ...vm, permit: null });
    return;
  }
  notReleased(draft, vm, outcome);
}

function notReleased(
  draft: Draft,
  vm: VmRecord,
  outcome: Exclude<CommandOutcome, { readonly kind: 'done' }>,
): void {
  const text =
    outcome.kind === 'refused' ? `${outcome.because}: ${outcome.detail}` : outcome.detail;
  const isLate = vm.phase === 'failed' || isOverdue(draft, vm);
  const reason = isLate ? `cannot be stopped: ${text}` : `not released yet: ${text}`;
  const phase = isLate ? 'failed' : vm.phase;
  if (vm.reason === reason && vm.phase === phase) return;
  draft.put({ ...vm, phase, reason });
  if (phase === vm.phase) return;
  draft.event({
    code: 'VM_STOP_FAILED',
    severity: 'critical',
    node: vm.permit?.node ?? null,
    vm: vm.id,
    text: `${vm.spec.name} cannot be stopped on ${vm.permit?.node ?? 'its node'}: ${text}`,
  });
}

function isOverdue(draft: Draft, vm: VmRecord): boolean {
  const { nowMs, vmPhaseSinceMs } = draft.observations;
  const graceMs = vm.operation?.force === true ? 0 : draft.state.settings.shutdownGraceMs;
  const dueMs = (vmPhaseSinceMs.get(vm.id) ?? nowMs) + graceMs + stopPatienceMs;
  if (nowMs < dueMs) draft.wakeAt(dueMs);
  return nowMs >= dueMs;
}

/** Where a VM goes once nobody owns it any more. */
export function settle(draft: Draft, vm: VmRecord): void {
  if (vm.deleting) {
    forget(draft, vm);
  } else if (vm.desired === 'running' && vm.tries.failures > 0) {
    draft.put({ ...vm, phase: 'backoff', operation: null });
  } else {
    draft.put({ ...vm, phase: 'stopped', operation: null, reason: null, failover: null });
  }
  draft.event({
    code: 'VM_STOPPED',
    severity: 'info',
    node: null,
    vm: vm.id,
    text: vm.deleting ? `${vm.spec.name} is deleted` : `${vm.spec.name} is stopped`,
  });
}
