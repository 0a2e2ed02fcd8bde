import type { NodeRecord } from '../model/node.ts';
import { noTries, type VmRecord } from '../model/vm.ts';
import type { CommandObservation, DomainObservation } from '../observations.ts';
import type { Draft } from './draft.ts';
import { disarmedNow, isBetweenNodes, isLeftAlone } from './arming.ts';
import { freezes, isLeaving } from './downtime.ts';
import { noteStarted } from './failovers.ts';
import { forget } from './forget.ts';
import { withoutDeadLock } from './locks.ts';
import { isWell, restartsGuest, staysOff } from './guest-policy.ts';
import { decideMigration } from './migration.ts';
import { isReverting } from './snapshots.ts';
import { nextPermit, withPermit, withRelease, withStart } from './operations.ts';
import { ownerOf, type DomainView, type Owner } from './ownership.ts';
import { decideStopping, settle } from './stopping.ts';
import {
  afterFailure,
  decideBackoff,
  decideFailed,
  fail,
  forgiveFailures,
  isGivenUp,
} from './tries.ts';

/** How long a command's effect is waited for in the reports before it is done over, in ms. */
const unknownEffectMs = 20_000;
/** How long after a refusal a permit is written anew, in ms. */
const retryPermitMs = 2000;

/**
 * One step for every VM that has an owner or is to leave a waiting phase. VMs that need a new
 * owner are placed afterwards, all together (`recovery.ts`).
 */
export function decideVms(draft: Draft): void {
  for (const vm of draft.vms()) {
    if (draft.isFull()) return;
    if (vm.desired === 'ignored') continue;
    // Two nodes have the guest's memory: what has begun is brought to its end.
    if (vm.move?.migration != null) {
      decideMigration(draft, vm, vm.move, vm.move.migration);
      continue;
    }
    if (isLeftAlone(draft, vm) && !isBetweenNodes(vm)) continue;
    const owner = ownerOf(vm, draft);
    if (owner.kind === 'dead' && (vm.deleting || vm.desired !== 'running')) {
      settle(draft, { ...vm, permit: null });
      continue;
    }
    if (owner.kind === 'dead' && vm.lock != null) {
      decideLocked(draft, vm);
      continue;
    }
    decidePhase(draft, vm, owner);
  }
}

/** Its owner is dead: it is recovered without a lock that died there, or like one that is off. */
function decideLocked(draft: Draft, vm: VmRecord): void {
  const unlocked = withoutDeadLock(draft, vm);
  if (unlocked !== null) draft.put(unlocked);
  else settle(draft, { ...vm, permit: null, tries: noTries });
}

function decidePhase(draft: Draft, vm: VmRecord, owner: Owner): void {
  switch (vm.phase) {
    case 'stopped':
      if (vm.deleting) forget(draft, vm);
      break;
    case 'starting':
    case 'recovering':
      decideStarting(draft, vm, owner);
      break;
    case 'running':
    // Its migration is over, or it would have been decided on above.
    case 'migrating':
      decideRunning(draft, vm, owner);
      break;
    case 'stopping':
      decideStopping(draft, vm, owner);
      break;
    case 'backoff':
      if (mayRetry(draft, vm)) decideBackoff(draft, vm);
      break;
    case 'failed':
      if (vm.permit !== null) decideStopping(draft, vm, owner);
      else if (mayRetry(draft, vm)) decideFailed(draft, vm);
      break;
    default:
      vm.phase satisfies never;
  }
}

/** A new start by itself is what a disarmed cluster does not do; the rest a person asked for. */
function mayRetry(draft: Draft, vm: VmRecord): boolean {
  return disarmedNow(draft) === null || vm.desired !== 'running' || vm.deleting;
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

/**
 * libvirt lists a domain as active while its QEMU is still being made, and may yet fail; a copy that a
 * migration left stands still until it is woken.
 */
function isBeingStarted(vm: VmRecord, view: DomainView): boolean {
  if (!isActive(view) || view.domain.state !== 'paused') return false;
  return vm.operation?.kind === 'resume' || view.domain.reason === 'startingUp';
}

function decideStarting(draft: Draft, vm: VmRecord, owner: Owner): void {
  if (owner.kind !== 'live') return;
  if (vm.desired !== 'running' || vm.deleting) {
    draft.put(withRelease(vm, false));
    return;
  }
  if (runsByPermit(vm, owner.domain) && !isBeingStarted(vm, owner.domain)) {
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
      // The guest's memory is in the copy: it is asked again until the owner may wake it.
      if (vm.operation?.kind === 'resume' && command.outcome.because === 'lease') return;
      // It may be refused now and repeated by the network later: make the owner give it up.
      fail(draft, vm, withRelease(vm, true), {
        reason: `refused (${command.outcome.because}): ${command.outcome.detail}`,
        isTry: command.outcome.because === 'conflict',
      });
      break;
    case 'failed':
      fail(
        draft,
        vm,
        { ...vm, phase: 'backoff', permit: null, operation: null },
        { reason: `${command.outcome.code}: ${command.outcome.detail}`, isTry: true },
      );
      break;
    default:
      command.outcome satisfies never;
  }
}

function waitForReport(draft: Draft, vm: VmRecord, command: CommandObservation): void {
  const dueMs = (command.outcomeMs ?? command.sentMs) + unknownEffectMs;
  if (draft.observations.nowMs < dueMs) draft.wakeAt(dueMs);
  else {
    const reason = 'the start had no visible effect';
    fail(draft, vm, withRelease(vm, true), { reason, isTry: true });
  }
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
  const isMigrated = vm.operation?.kind === 'resume';
  draft.event({
    code: isMigrated ? 'VM_MIGRATED' : 'VM_STARTED',
    severity: 'info',
    node: node.id,
    vm: vm.id,
    text: `${vm.spec.name} ${isMigrated ? 'was migrated to' : 'runs on'} ${node.id}`,
  });
}

function decideRunning(draft: Draft, vm: VmRecord, owner: Owner): void {
  if (owner.kind !== 'live') return;
  if (vm.adopting && owner.domain.kind === 'unknown') return;
  const isNewer = vm.adopting && isActive(owner.domain) && !runsByPermit(vm, owner.domain);
  // Started anew since the backup that its record comes from: what is wanted of it is newer too.
  if (vm.desired !== 'running' && isNewer) {
    draft.put({ ...vm, desired: 'running' });
    return;
  }
  if (vm.desired !== 'running' || vm.deleting) {
    draft.put(withRelease(vm, false));
    return;
  }
  if (owner.domain.kind === 'unknown') return;
  if (runsByPermit(vm, owner.domain)) {
    if (vm.operation === null && vm.failover === null && !vm.adopting) {
      decideSteady(draft, vm, owner.node, owner.domain);
      return;
    }
    noteStarted(draft, vm);
    draft.put({ ...vm, operation: null, failover: null, adopting: false });
    return;
  }
  if (isActive(owner.domain)) {
    decideForeignPermit(draft, vm, owner.node, owner.domain.domain);
    return;
  }
  if (vm.adopting) {
    // A person stopped or moved it, or a start sent before it was ignored is still on its way here:
    // the owner gives it up before it is started anew or taken over where it runs.
    draft.put(withRelease(vm, true));
    return;
  }
  if (disarmedNow(draft) !== null || isFrozen(owner.node)) return;
  if (isReverting(vm) || staysOff(draft, vm, owner.node, owner.domain)) return;
  // It ended without being told to: crash, guest shutdown, or someone else's hand.
  restartLocally(draft, vm, owner.node, endedBecause(owner.domain));
}

/** It runs as it should, unless its guest does not. */
function decideSteady(draft: Draft, vm: VmRecord, node: NodeRecord, view: DomainView): void {
  if (view.kind !== 'present') return;
  const mayRestart = disarmedNow(draft) === null && vm.lock == null;
  if (mayRestart && restartsGuest(draft, vm, node, view.domain)) return;
  if (isWell(vm, view.domain)) forgiveFailures(draft, vm);
}

/** The domain runs, but its metadata does not carry the permit of the record yet. */
function decideForeignPermit(
  draft: Draft,
  vm: VmRecord,
  node: NodeRecord,
  domain: DomainObservation,
): void {
  const carried = domain.permit?.token ?? null;
  if (vm.operation?.kind !== 'permit' && vm.adopting && node.incarnation !== null) {
    draft.put(withPermit(vm, nextPermit(vm, node.id, node.incarnation), carried));
    return;
  }
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

/** Its guests end because it goes down, and are started when it is back. */
function isFrozen(node: NodeRecord): boolean {
  return node.downtime !== undefined && isLeaving(node) && freezes(node.downtime);
}

function endedBecause(view: DomainView): string {
  return view.kind === 'present' ? `${view.domain.state} (${view.domain.reason})` : 'gone';
}

function restartLocally(draft: Draft, vm: VmRecord, node: NodeRecord, because: string): void {
  const tries = afterFailure(vm);
  draft.event({
    code: 'VM_ENDED',
    severity: 'warning',
    node: node.id,
    vm: vm.id,
    text: `${vm.spec.name} ended on ${node.id}: ${because}`,
  });
  const base: VmRecord = { ...vm, tries, reason: `ended on ${node.id}: ${because}` };
  if (isLeaving(node) || node.evacuation !== undefined) {
    // Whatever shut it down there, it is no failure of its own.
    draft.put(withRelease({ ...base, tries: vm.tries }, true));
    return;
  }
  const mayRetryHere = !isGivenUp(vm, tries) && !node.cordoned && vm.lock == null;
  if (mayRetryHere && node.incarnation !== null) {
    draft.put(withStart(base, nextPermit(base, node.id, node.incarnation), 'starting'));
  } else {
    draft.put(withRelease(base, true));
  }
}
