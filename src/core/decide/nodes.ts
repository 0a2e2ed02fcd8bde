import type { Incarnation, NodeRecord } from '../model/node.ts';
import type { Permit } from '../model/permit.ts';
import type { VmRecord } from '../model/vm.ts';
import type { DomainObservation, NodeObservation } from '../observations.ts';
import { isLost, lostAtMs } from '../timing/silence.ts';
import { disarmedNow, isLeftAlone } from './arming.ts';
import { isAwaited, isSetAside } from './downtime.ts';
import type { Draft } from './draft.ts';
import { openFence } from './fence-intent.ts';
import { nextPermit, withPermit, withRelease, withResume, withStart } from './operations.ts';
import {
  heldVmsOf,
  incomingVmsOf,
  isAdmitted,
  isMovable,
  movableVmsOf,
  stoppedVmsOf,
} from './ownership.ts';
import { isIncoming, isMigrating, withAgentsRestart } from './migrating-agents.ts';
import { notePlaces } from './restored.ts';
import { announce, decideQuarantine, phaseOnReturn, withFlap } from './quarantine.ts';
import { livesWithoutVms, noteIsolation } from './self-fencing.ts';
import { straysOn } from './strays.ts';

/** A node with more VMs than this is taken back by a decision of its own. */
const manyVms = 100;

/** One step for every node: silence, restarts of agent or machine, admission. */
export function decideNodes(draft: Draft): void {
  for (const node of draft.nodes()) {
    if (draft.isFull()) return;
    const seen = draft.observations.nodes.get(node.id);
    if (node.unheardSince !== undefined && notePlaces(draft, node, seen)) continue;
    switch (node.phase) {
      case 'online':
      case 'quarantined':
        decideAdmitted(draft, node, seen);
        break;
      case 'joining':
      case 'fenced':
        decideAdmission(draft, node, seen);
        break;
      case 'fencing':
      case 'blocked':
        // Their exits are those of the fence operation.
        break;
      default:
        node.phase satisfies never;
    }
  }
}

function decideAdmitted(draft: Draft, node: NodeRecord, seen: NodeObservation | undefined): void {
  const current = node.incarnation;
  if (current === null) {
    draft.put({ ...node, phase: 'joining' });
    return;
  }
  const next = seen?.incarnation ?? null;
  if (next !== null && next.id !== current.id && livesAfterAdmission(draft, node, seen)) {
    if (next.bootId === current.bootId) readmitAgent(draft, node, current, next, seen);
    else rebooted(draft, node, current);
    return;
  }
  if (!isLost(seen, draft.observations, draft.state.settings.timing)) {
    const noted = noteIsolation(draft, node, seen);
    noteCapacity(draft, decideQuarantine(draft, noted, seen), current, seen);
    draft.wakeAt(lostAtMs(seen, draft.observations, draft.state.settings.timing));
    return;
  }
  decideLost(draft, node, current, seen);
}

/** It is silent for too long: it is fenced for what may run there, or forgotten where nothing can. */
function decideLost(
  draft: Draft,
  node: NodeRecord,
  current: Incarnation,
  seen: NodeObservation | undefined,
): void {
  const strays = straysOn(draft, node.id, current.bootId);
  const isUnheard = node.unheardSince !== undefined;
  const incoming = incomingVmsOf(draft, current.id);
  const unheld =
    strays.length === 0 &&
    incoming.length === 0 &&
    !isUnheard &&
    (isSetAside(node) || stoppedVmsOf(draft, node.id).length === 0);
  if (heldVmsOf(draft, current.id).length === 0 && unheld) {
    // No record names it, so no start command can be on its way to it: nothing to fence for.
    draft.put({ ...withFlap(node), phase: 'joining', incarnation: null });
    draft.event({
      code: 'NODE_LOST',
      severity: isSetAside(node) ? 'info' : 'warning',
      node: node.id,
      vm: null,
      text: `${node.id} is silent; it held no VM, so it is not fenced`,
    });
    return;
  }
  if (isAwaited(draft, node)) return;
  const movable = [
    ...movableVmsOf(draft, node.id, current.id),
    ...strays.filter(isMovable),
    ...incoming,
  ];
  if (movable.length === 0 && !isUnheard) return;
  if (disarmedNow(draft) !== null) return;
  openFence(draft, node, {
    kind: 'detector',
    evidence: [
      {
        channel: 'session',
        silentMs:
          seen?.lastHeartbeatMs === undefined || seen.lastHeartbeatMs === null
            ? null
            : draft.observations.nowMs - seen.lastHeartbeatMs,
      },
    ],
  });
}

/** Capacity is what the hypervisor says now; it may say it later than the rest, or change it. */
function noteCapacity(
  draft: Draft,
  node: NodeRecord,
  current: Incarnation,
  seen: NodeObservation | undefined,
): void {
  const report = seen?.report ?? null;
  if (report === null || report.incarnation !== current.id || report.domains === null) return;
  const { memoryMiB, vcpus } = report.capacity;
  const known = memoryMiB > 0 && vcpus > 0;
  if (known && (memoryMiB !== node.capacity.memoryMiB || vcpus !== node.capacity.vcpus)) {
    draft.put({ ...node, capacity: { memoryMiB, vcpus } });
  }
}

export function isHeard(draft: Draft, seen: NodeObservation | undefined): seen is NodeObservation {
  return (
    seen !== undefined &&
    seen.sessionOpen &&
    !isLost(seen, draft.observations, draft.state.settings.timing)
  );
}

/**
 * The incarnation of the session is the node's latest: it answered something that was sent after
 * the admitted one was known to be admitted. Boot ids have no order, and what an older incarnation
 * said may have waited in a buffer, or in a manager that did not lead, for any time.
 */
function livesAfterAdmission(
  draft: Draft,
  node: NodeRecord,
  seen: NodeObservation | undefined,
): seen is NodeObservation {
  const since = draft.observations.incarnationSince.get(node.id);
  return (
    isHeard(draft, seen) &&
    since !== undefined &&
    seen.aliveAtMs !== null &&
    seen.aliveAtMs > since.ms
  );
}

/** The machine came back with another boot id: the old incarnation is dead (`newBoot`). */
function rebooted(draft: Draft, node: NodeRecord, old: Incarnation): void {
  const mayRun = [
    ...heldVmsOf(draft, old.id),
    ...incomingVmsOf(draft, old.id),
    ...straysOn(draft, node.id, old.bootId),
  ];
  if (mayRun.length > 0) {
    openFence(draft, node, { kind: 'detector', evidence: [] });
    return;
  }
  draft.put({ ...withFlap(node), phase: 'joining', incarnation: null });
  draft.event({
    code: 'NODE_REBOOTED',
    severity: 'info',
    node: node.id,
    vm: null,
    text: `${node.id} rebooted; it held no VM`,
  });
}

/**
 * The agent restarted within one boot: its VMs run on and get permits of the new incarnation.
 * Waits for a full report, because only the hypervisor knows what still runs (DESIGN §5).
 */
function readmitAgent(
  draft: Draft,
  node: NodeRecord,
  old: Incarnation,
  next: Incarnation,
  seen: NodeObservation | undefined,
): void {
  const report = seen?.report ?? null;
  if (report === null || report.incarnation !== next.id || report.domains === null) return;
  const held = heldVmsOf(draft, old.id);
  const incoming = incomingVmsOf(draft, old.id);
  // All of them or none: a permit of an incarnation that is never admitted could not be proven away.
  if (held.length + incoming.length > manyVms && !draft.isEmpty()) return;
  draft.put({ ...withFlap(node), incarnation: next, capacity: report.capacity });
  draft.event({
    code: 'AGENT_RESTARTED',
    severity: 'info',
    node: node.id,
    vm: null,
    text: `the agent of ${node.id} restarted; its VMs are taken over as they are`,
  });
  for (const vm of incoming) draft.put(withAgentsRestart(vm, node.id, next));
  for (const vm of held) {
    const after = isMigrating(vm)
      ? withAgentsRestart(vm, node.id, next)
      : takeOver(draft, vm, node, next, report.domains.get(vm.id));
    draft.put(after);
  }
}

/** What becomes of one VM of a restarted agent. The owner stays the same node in every case. */
function takeOver(
  draft: Draft,
  vm: VmRecord,
  node: NodeRecord,
  next: Incarnation,
  domain: DomainObservation | undefined,
): VmRecord {
  const permit = nextPermit(vm, node.id, next);
  const repermitted = { ...vm, permit, lastToken: permit.token };
  // `failed` with a permit is a stop that does not succeed.
  if (vm.phase === 'stopping' || vm.phase === 'failed')
    return withRelease(repermitted, vm.operation?.force ?? false);
  if (vm.adopting || isLeftAlone(draft, vm)) {
    // Nothing is started or stopped: the permit follows what runs by it, and that is all.
    return domain?.active === true && carriesItsPermit(vm, domain)
      ? withPermit(vm, permit, domain.permit?.token ?? null)
      : { ...repermitted, operation: null };
  }
  return takeOverWanted(draft, vm, permit, domain);
}

/** The same of one that Kennel starts and stops. */
function takeOverWanted(
  draft: Draft,
  vm: VmRecord,
  permit: Permit,
  domain: DomainObservation | undefined,
): VmRecord {
  const repermitted = { ...vm, permit, lastToken: permit.token };
  if (vm.operation?.kind === 'resume' && domain?.active === true) {
    return withResume(vm, permit, domain.permit?.token ?? permit.token);
  }
  if (domain?.active !== true) {
    const phase = vm.phase === 'recovering' ? 'recovering' : 'starting';
    const mayStart = vm.desired === 'running' && vm.lock == null;
    return mayStart ? withStart(vm, permit, phase) : withRelease(repermitted, true);
  }
  if (!carriesItsPermit(vm, domain)) {
    draft.event({
      code: 'VM_PERMIT_MISMATCH',
      severity: 'critical',
      node: permit.node,
      vm: vm.id,
      text: `${vm.spec.name} runs on ${permit.node} with a permit that was not given to it; it is stopped there`,
    });
    return withRelease(repermitted, true);
  }
  return { ...withPermit(vm, permit, domain.permit?.token ?? null), failover: vm.failover };
}

/**
 * The domain runs by the very permit of the record, or by the one before it when the newer one
 * had not been written onto the running domain yet.
 */
function carriesItsPermit(vm: VmRecord, domain: DomainObservation): boolean {
  const carried = domain.permit?.token ?? null;
  if (carried !== null && carried === vm.permit?.token) return true;
  return vm.operation?.kind === 'permit' && vm.operation.previousToken === carried;
}

/**
 * Admission of a new incarnation: it is heard, its hypervisor answers, and nothing runs on it that
 * has no right to. Leftovers of VMs that lost their permit are stopped first (FAILURES N21).
 */
function decideAdmission(draft: Draft, node: NodeRecord, seen: NodeObservation | undefined): void {
  if (!livesAfterAdmission(draft, node, seen) || seen.incarnation === null) return;
  const fence = node.fence === null ? undefined : draft.fence(node.fence);
  if (
    node.phase === 'fenced' &&
    fence?.incarnation.bootId === seen.incarnation.bootId &&
    !livesWithoutVms(fence, seen.incarnation)
  )
    return;
  const report = seen.report;
  if (report === null || report.incarnation !== seen.incarnation.id) return;
  if (report.domains === null || leftoversOn(draft, node, seen).length > 0) return;
  const phase = phaseOnReturn(draft, node);
  draft.put({
    ...node,
    phase,
    incarnation: seen.incarnation,
    capacity: report.capacity,
    fence: null,
  });
  if (phase === 'quarantined') announce(draft, node, `${node.flaps} losses or restarts`);
  draft.event({
    code: 'NODE_ADMITTED',
    severity: 'info',
    node: node.id,
    vm: null,
    text: `${node.id} is admitted with a new incarnation`,
  });
}

/**
 * VMs of the cluster whose domains run here without a right: all of them on an incarnation that is
 * not admitted, and on an admitted one those whose permit is for somebody else (FAILURES V15).
 */
export function leftoversOn(
  draft: Draft,
  node: NodeRecord,
  seen: NodeObservation,
): readonly VmRecord[] {
  if (seen.report?.domains == null || seen.report.incarnation !== seen.incarnation?.id) return [];
  const admitted = isAdmitted(node) && node.incarnation?.id === seen.incarnation.id;
  // An agent that restarted within its boot is re-admitted with what it runs.
  if (!admitted && node.incarnation?.bootId === seen.incarnation.bootId) return [];
  const leftovers: VmRecord[] = [];
  for (const domain of seen.report.domains.values()) {
    if (!domain.active) continue;
    const vm = draft.vm(domain.vm);
    if (vm === undefined || vm.adopting || isLeftAlone(draft, vm)) continue;
    // Proven dead and heard again: it holds the permit until somebody else does.
    if (vm.permit?.incarnation === seen.incarnation.id) continue;
    // The copy of a migration that is under way; when it comes to nothing, that is over first.
    if (isIncoming(vm, node.id)) continue;
    if (!admitted || vm.permit?.node !== node.id) leftovers.push(vm);
  }
  return leftovers;
}
