import type { NodeRecord } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import type { CommandObservation, DomainObservation } from '../observations.ts';
import type { Draft } from './draft.ts';
import { noteFailure, noteStarted } from './failovers.ts';
import { nextPermit, withPermit, withRelease, withStart } from './operations.ts';
import { ownerOf, type DomainView, type Owner } from './ownership.ts';

/** How long a command's effect is waited for in the reports before it is done over, in ms. */
const unknownEffectMs = 20_000;
/** How long a VM must run for its earlier failures to be forgotten, in ms. */
const stableMs = 60_000;
/** How long after a refusal a permit is written anew, in ms. */
const retryPermitMs = 2000;
/** First delay after a failed start; doubles with each failure up to the cap, in ms. */
const backoffFirstMs = 1000;
const backoffCapMs = 60_000;

/**
 * One step for every VM that has an owner or is to leave a waiting phase. VMs that need a new
 * owner are placed afterwards, all together (`recovery.ts`).
 */
export function decideVms(draft: Draft): void {
  for (const vm of draft.vms()) {
    if (draft.isFull()) return;
    if (vm.desired === 'ignored') continue;
    const owner = ownerOf(vm, draft);
    if (vm.deleting && owner.kind === 'dead') {
      settle(draft, { ...vm, permit: null });
      continue;
    }
    switch (vm.phase) {
      case 'stopped':
        if (vm.deleting) forget(draft, vm);
        break;
      case 'starting':
      case 'recovering':
        decideStarting(draft, vm, owner);
        break;
      case 'running':
        decideRunning(draft, vm, owner);
        break;
      case 'stopping':
        decideStopping(draft, vm, owner);
        break;
      case 'backoff':
        decideBackoff(draft, vm);
        break;
      case 'failed':
        decideFailed(draft, vm);
        break;
      default:
        vm.phase satisfies never;
    }
  }
}

/** The record goes; its tokens are never given out again, should the UUID come back. */
export function forget(draft: Draft, vm: VmRecord): void {
  draft.remove(vm);
  const counters = draft.counters();
  if (vm.lastToken > counters.token) draft.put({ ...counters, token: vm.lastToken });
}

function commandOf(draft: Draft, vm: VmRecord): CommandObservation | undefined {
  return vm.operation === null ? undefined : draft.observations.commands.get(vm.operation.id);
}

function isActive(view: DomainView): view is { kind: 'present'; domain: DomainObservation } {
  return view.kind === 'present' && view.domain.active;
}

/** The domain runs by the very permit of the record. */
function runsByPermit(vm: VmRecord, view: DomainView): boolean {
  return isActive(view) && view.domain.permit?.token === vm.permit?.token;
}

/** libvirt lists a domain as active while its QEMU is still being made, and may yet fail. */
function isBeingStarted(view: DomainView): boolean {
  return isActive(view) && view.domain.state === 'paused' && view.domain.reason === 'startingUp';
}

function decideStarting(draft: Draft, vm: VmRecord, owner: Owner): void {
  if (owner.kind !== 'live') return;
  if (vm.desired !== 'running' || vm.deleting) {
    draft.put(withRelease(vm, false));
    return;
  }
  if (runsByPermit(vm, owner.domain) && !isBeingStarted(owner.domain)) {
    becomeRunning(draft, vm, owner.node);
    return;
  }
  const command = commandOf(draft, vm);
  if (command === undefined || command.outcome === null) return;
  switch (command.outcome.kind) {
    case 'done':
    case 'ambiguous':
      // The reports tell; when they never do, the start is called back.
      waitForReport(draft, vm, command);
      break;
    case 'refused':
      // It may be refused now and repeated by the network later: make the owner give it up.
      fail(
        draft,
        withRelease(vm, true),
        `refused (${command.outcome.because}): ${command.outcome.detail}`,
      );
      break;
    case 'failed':
      fail(
        draft,
        { ...vm, phase: 'backoff', permit: null, operation: null },
        `${command.outcome.code}: ${command.outcome.detail}`,
      );
      break;
    default:
      command.outcome satisfies never;
  }
}

function waitForReport(draft: Draft, vm: VmRecord, command: CommandObservation): void {
  const dueMs = (command.outcomeMs ?? command.sentMs) + unknownEffectMs;
  if (draft.observations.nowMs < dueMs) draft.wakeAt(dueMs);
  else fail(draft, withRelease(vm, true), 'the start had no visible effect');
}

/** Counts a failed start and says so; `next` is the record's next step. */
function fail(draft: Draft, next: VmRecord, reason: string): void {
  draft.put({ ...next, failures: next.failures + 1, reason });
  noteFailure(draft, next, reason);
  draft.event({
    code: 'VM_START_FAILED',
    severity: 'warning',
    node: next.permit?.node ?? null,
    vm: next.id,
    text: `${next.spec.name} could not be started: ${reason}`,
  });
}

function becomeRunning(draft: Draft, vm: VmRecord, node: NodeRecord): void {
  draft.put({
    ...vm,
    phase: 'running',
    operation: null,
    reason: null,
    failover: null,
  });
  noteStarted(draft, vm);
  draft.event({
    code: 'VM_STARTED',
    severity: 'info',
    node: node.id,
    vm: vm.id,
    text: `${vm.spec.name} runs on ${node.id}`,
  });
}

function decideRunning(draft: Draft, vm: VmRecord, owner: Owner): void {
  if (owner.kind !== 'live') return;
  if (vm.desired === 'stopped' || vm.deleting) {
    draft.put(withRelease(vm, false));
    return;
  }
  if (owner.domain.kind === 'unknown') return;
  if (runsByPermit(vm, owner.domain)) {
    if (vm.operation === null && vm.failover === null) {
      forgiveFailures(draft, vm);
      return;
    }
    noteStarted(draft, vm);
    draft.put({ ...vm, operation: null, failover: null });
    return;
  }
  if (isActive(owner.domain)) {
    decideForeignPermit(draft, vm, owner.node, owner.domain.domain);
    return;
  }
  // It ended without being told to: crash, guest shutdown, or someone else's hand.
  restartLocally(draft, vm, owner.node, endedBecause(owner.domain));
}

/** Failures count until it has run for a while: a crash loop starts well every time. */
function forgiveFailures(draft: Draft, vm: VmRecord): void {
  if (vm.failures === 0) return;
  const since = draft.observations.vmPhaseSinceMs.get(vm.id) ?? draft.observations.nowMs;
  const dueMs = since + stableMs;
  if (draft.observations.nowMs < dueMs) draft.wakeAt(dueMs);
  else draft.put({ ...vm, operation: null, failures: 0 });
}

/** The domain runs, but its metadata does not carry the permit of the record yet. */
function decideForeignPermit(
  draft: Draft,
  vm: VmRecord,
  node: NodeRecord,
  domain: DomainObservation,
): void {
  const carried = domain.permit?.token ?? null;
  if (vm.operation?.kind !== 'permit') {
    draft.put(withRelease(vm, true));
    draft.event({
      code: 'VM_PERMIT_MISMATCH',
      severity: 'critical',
      node: node.id,
      vm: vm.id,
      text: `${vm.spec.name} runs on ${node.id} with a permit that was not given to it; it is stopped there`,
    });
    return;
  }
  const command = commandOf(draft, vm);
  const outcome = command?.outcome ?? null;
  if (outcome === null) return;
  const refused = outcome.kind === 'refused' || outcome.kind === 'failed';
  const dueMs = (command?.outcomeMs ?? 0) + (refused ? retryPermitMs : unknownEffectMs);
  if (draft.observations.nowMs < dueMs) {
    draft.wakeAt(dueMs);
    return;
  }
  if (node.incarnation === null) return;
  draft.put(withPermit(vm, nextPermit(vm, node.id, node.incarnation), carried));
}

function endedBecause(view: DomainView): string {
  return view.kind === 'present' ? `${view.domain.state} (${view.domain.reason})` : 'gone';
}

function restartLocally(draft: Draft, vm: VmRecord, node: NodeRecord, because: string): void {
  const failures = vm.failures + 1;
  draft.event({
    code: 'VM_ENDED',
    severity: 'warning',
    node: node.id,
    vm: vm.id,
    text: `${vm.spec.name} ended on ${node.id}: ${because}`,
  });
  const base: VmRecord = { ...vm, failures, reason: `ended on ${node.id}: ${because}` };
  const mayRetryHere = failures <= 2 && !node.cordoned && node.incarnation !== null;
  if (mayRetryHere && node.incarnation !== null) {
    draft.put(withStart(base, nextPermit(base, node.id, node.incarnation), 'starting'));
  } else {
    draft.put(withRelease(base, true));
  }
}

function decideStopping(draft: Draft, vm: VmRecord, owner: Owner): void {
  if (owner.kind === 'none') {
    settle(draft, vm);
    return;
  }
  if (owner.kind === 'dead') {
    settle(draft, { ...vm, permit: null });
    return;
  }
  const outcome = commandOf(draft, vm)?.outcome ?? null;
  if (outcome === null) return;
  if (outcome.kind === 'done') {
    settle(draft, { ...vm, permit: null });
    return;
  }
  const text =
    outcome.kind === 'refused' ? `${outcome.because}: ${outcome.detail}` : outcome.detail;
  const reason = `not released yet: ${text}`;
  if (vm.reason !== reason) draft.put({ ...vm, reason });
}

/** Where a VM goes once nobody owns it any more. */
function settle(draft: Draft, vm: VmRecord): void {
  if (vm.deleting) {
    forget(draft, vm);
  } else if (vm.desired === 'running' && vm.failures > 0) {
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

/** Delay before the next start, in ms, after so many failures in a row. */
export function backoffMs(failures: number): number {
  return Math.min(backoffCapMs, backoffFirstMs * 2 ** Math.max(0, failures - 1));
}

function decideBackoff(draft: Draft, vm: VmRecord): void {
  if (vm.deleting) {
    forget(draft, vm);
    return;
  }
  if (vm.desired !== 'running') {
    draft.put({ ...vm, phase: 'stopped', failures: 0, reason: null });
    return;
  }
  if (vm.failures > draft.state.settings.maxStartFailures) {
    draft.put({ ...vm, phase: 'failed' });
    draft.event({
      code: 'VM_FAILED',
      severity: 'critical',
      node: null,
      vm: vm.id,
      text: `${vm.spec.name} failed ${vm.failures} times: ${vm.reason ?? 'no reason known'}`,
    });
    return;
  }
  const since = draft.observations.vmPhaseSinceMs.get(vm.id) ?? draft.observations.nowMs;
  const dueMs = since + backoffMs(vm.failures);
  if (draft.observations.nowMs < dueMs) draft.wakeAt(dueMs);
  else draft.put({ ...vm, phase: 'stopped' });
}

/** `failed` clears itself after a window, so that no VM waits for a person for ever. */
function decideFailed(draft: Draft, vm: VmRecord): void {
  if (vm.deleting) {
    forget(draft, vm);
    return;
  }
  const since = draft.observations.vmPhaseSinceMs.get(vm.id) ?? draft.observations.nowMs;
  const dueMs = since + draft.state.settings.failedWindowMs;
  if (vm.desired !== 'running' || draft.observations.nowMs >= dueMs) {
    draft.put({ ...vm, phase: 'stopped', failures: 0 });
  } else {
    draft.wakeAt(dueMs);
  }
}
