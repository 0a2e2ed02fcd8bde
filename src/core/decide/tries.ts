import type { VmRecord, VmTries } from '../model/vm.ts';
import { noTries } from '../model/vm.ts';
import type { Draft } from './draft.ts';
import { noteFailure } from './failovers.ts';
import { forget } from './forget.ts';

/** How long a VM must run for its earlier failures to be forgotten, in ms. */
const stableMs = 60_000;
/** The same where a check tells that it is ill, which takes minutes by itself. */
const checkedStableMs = 10 * 60_000;
/** First delay after a failed start; doubles with each failure up to the cap, in ms. */
const backoffFirstMs = 1000;
const backoffCapMs = 60_000;

/** The tries after one more failure on the node that holds the permit (FAILURES V1). */
export function afterFailure(vm: VmRecord): VmTries {
  const { permit, spec, tries } = vm;
  const failures = tries.failures + 1;
  if (tries.here < spec.limits.restarts) return { ...tries, failures, here: tries.here + 1 };
  const nodes = permit === null ? tries.nodes : [...tries.nodes, permit.node];
  return { failures, here: 0, nodes };
}

/** A failure used up the tries on a node: the next start is elsewhere, if there is such a place. */
export function isGivenUp(before: VmRecord, after: VmTries): boolean {
  return after.nodes.length > before.tries.nodes.length;
}

/**
 * Records a failed start and says so; `next` is the record's next step. A refusal is no try of the
 * VM: nothing was done, so it only makes the next one wait longer.
 */
export function fail(
  draft: Draft,
  vm: VmRecord,
  next: VmRecord,
  failure: { readonly reason: string; readonly isTry: boolean },
): void {
  const { reason, isTry } = failure;
  const tries = isTry ? afterFailure(vm) : { ...vm.tries, failures: vm.tries.failures + 1 };
  draft.put({ ...next, tries, reason });
  noteFailure(draft, next, reason);
  draft.event({
    code: 'VM_START_FAILED',
    severity: 'warning',
    node: vm.permit?.node ?? null,
    vm: vm.id,
    text: `${vm.spec.name} could not be started: ${reason}`,
  });
}

/** Failures count until it has run for a while: a crash loop starts well every time. */
export function forgiveFailures(draft: Draft, vm: VmRecord): void {
  if (vm.tries.failures === 0) return;
  const since = draft.observations.vmPhaseSinceMs.get(vm.id) ?? draft.observations.nowMs;
  const dueMs = since + (vm.spec.guest?.health == null ? stableMs : checkedStableMs);
  if (draft.observations.nowMs < dueMs) draft.wakeAt(dueMs);
  else draft.put({ ...vm, operation: null, tries: noTries });
}

/** Delay before the next start, in ms, after so many failures in a row. */
export function backoffMs(failures: number): number {
  return Math.min(backoffCapMs, backoffFirstMs * 2 ** Math.max(0, failures - 1));
}

export function decideBackoff(draft: Draft, vm: VmRecord): void {
  if (vm.deleting) {
    forget(draft, vm);
    return;
  }
  if (vm.desired !== 'running') {
    draft.put({ ...vm, phase: 'stopped', tries: noTries, reason: null });
    return;
  }
  if (vm.tries.nodes.length > vm.spec.limits.relocations) {
    draft.put({ ...vm, phase: 'failed' });
    draft.event({
      code: 'VM_FAILED',
      severity: 'critical',
      node: null,
      vm: vm.id,
      text: `${vm.spec.name} failed ${vm.tries.failures} times, on ${vm.tries.nodes.join(', ')}: ${vm.reason ?? 'no reason known'}`,
    });
    return;
  }
  const since = draft.observations.vmPhaseSinceMs.get(vm.id) ?? draft.observations.nowMs;
  const dueMs = since + backoffMs(vm.tries.failures);
  if (draft.observations.nowMs < dueMs) draft.wakeAt(dueMs);
  else draft.put({ ...vm, phase: 'stopped' });
}

/** Nobody owns it; `failed` clears itself, so that no VM waits for a person for ever (V5). */
export function decideFailed(draft: Draft, vm: VmRecord): void {
  if (vm.deleting) {
    forget(draft, vm);
    return;
  }
  const since = draft.observations.vmPhaseSinceMs.get(vm.id) ?? draft.observations.nowMs;
  const dueMs = since + draft.state.settings.failedWindowMs;
  if (vm.desired !== 'running' || draft.observations.nowMs >= dueMs) {
    draft.put({ ...vm, phase: 'stopped', tries: noTries });
  } else {
    draft.wakeAt(dueMs);
  }
}
