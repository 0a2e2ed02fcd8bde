import type { FenceOperation } from '../model/fence-operation.ts';
import type { NodeId } from '../model/ids.ts';
import type { VmRecord } from '../model/vm.ts';
import { lockedText } from '../model/vm-lock.ts';
import { waitsForOthers } from '../order/wait.ts';
import { compareWaiting, placeBatch } from '../placement/batch.ts';
import { explainPlacement } from '../placement/explain-placement.ts';
import { place } from '../placement/place.ts';
import type { Site } from '../placement/site.ts';
import type { Waiting } from '../placement/site-types.ts';
import { disarmedNow, disarmedText } from './arming.ts';
import { siteOf } from './site-of.ts';
import type { Draft } from './draft.ts';
import { noteNewHome, notePlaced } from './failovers.ts';
import { awaitedHome, isReturn } from './homecoming.ts';
import { nextPermit, withPermit, withStart } from './operations.ts';
import { adoptUnwanted, isProvenOff, unheardSinceRestore } from './restored.ts';
import { isMovable, proofFor, runsOn, stoppedVmsOf } from './ownership.ts';

/** How soon a VM that fits nowhere is looked at again, in ms. */
const retryPlacementMs = 1000;

interface Ownerless {
  readonly vm: VmRecord;
  /** The proof that frees it; null when nobody owns it. */
  readonly fence: FenceOperation | null;
}

type Placeable = Ownerless & Waiting & { readonly vm: VmRecord };

/**
 * Gives an owner to every VM that should run and whose last owner is gone: nobody holds its
 * permit, or a proof covers the holder. By priority, then the largest first.
 */
export function decideRecovery(draft: Draft): void {
  const disarmed = disarmedNow(draft);
  if (disarmed?.mode === 'ignore') return;
  adoptUnwanted(draft);
  const waiting = waitingVms(draft);
  const homeless = homelessVms(draft);
  if (waiting.length + homeless.length === 0 || isGathering(draft)) return;
  const site = siteOf(draft, new Set(waiting.map((one) => one.vm.id)));
  const placeable = waiting.filter((one) => mayBePlaced(draft, one, site)).map(waitingFor(draft));
  for (const { waiting: one, placement } of placeBatch(site, placeable)) {
    if (draft.isFull()) break;
    if (placement.kind === 'nowhere') {
      explain(draft, one.vm, explainPlacement(placement));
      // Nodes also open without an event of their own, for example when a heartbeat arrives late.
      draft.wakeAt(draft.observations.nowMs + retryPlacementMs);
      continue;
    }
    const node = draft.node(placement.node);
    if (node?.incarnation == null) continue;
    const start = withStart(
      { ...one.vm, failover: one.fence?.failover ?? one.vm.failover },
      nextPermit(one.vm, node.id, node.incarnation),
      one.fence === null ? 'starting' : 'recovering',
    );
    // A wish to move ends with a new place, whichever it is: it is not moved round and round.
    draft.put({ ...start, move: null, reason: null });
    notePlaced(draft, start, explainPlacement(placement));
    if (one.fence === null) tellPlaced(draft, start, explainPlacement(placement));
  }
  if (disarmed !== null || unheardSinceRestore(draft) !== null) return;
  for (const { vm, fence } of homeless) {
    if (draft.isFull()) break;
    findHome(draft, vm, fence, site);
  }
}

/** A failover's record keeps why a node was chosen; of any other start its event does. */
function tellPlaced(draft: Draft, { id, spec, permit }: VmRecord, because: string): void {
  const node = permit?.node ?? null;
  const text = `${spec.name} is started on ${node}: ${because}`;
  draft.event({ code: 'VM_PLACED', severity: 'info', node, vm: id, text });
}

/** False for what may still run somewhere; then the record says what is awaited. */
function mayBePlaced(draft: Draft, { vm, fence }: Ownerless, site: Site): boolean {
  if (draft.isFull()) return false;
  if (vm.operation?.kind === 'resume' && draft.isChanged(vm)) {
    // Handed over just now to a node that is dead: each owner is committed before the next one.
    draft.wakeAt(draft.observations.nowMs);
    return false;
  }
  const disarmed = disarmedNow(draft);
  if (disarmed !== null && fence !== null) {
    explain(draft, vm, disarmedText(disarmed));
    return false;
  }
  const running = runsOn(vm, draft);
  if (running.length > 0 && vm.adopting) {
    takeOver(draft, vm, running, site);
    return false;
  }
  if (running.length > 0) {
    explain(draft, vm, `runs on ${running.join(', ')} without a permit; it is stopped there first`);
    return false;
  }
  if (vm.strays.length > 0) {
    const nodes = vm.strays.map((stray) => stray.node).join(', ');
    explain(draft, vm, `may run on ${nodes} without a permit; that is to be over first`);
    return false;
  }
  if (vm.lock != null) {
    explain(draft, vm, lockedText(vm.lock));
    return false;
  }
  const awaited = awaitedNodes(draft, vm, fence);
  if (awaited === null) return !waitsForOthers(draft, vm);
  explain(draft, vm, awaited);
  draft.wakeAt(draft.observations.nowMs + retryPlacementMs);
  return false;
}

/** A VM that a person switched on may be placed anew; what is tried again stays where it was. */
function waitingFor(draft: Draft): (one: Ownerless) => Placeable {
  const { rebalanceOnStart } = draft.state.settings.placement;
  return ({ vm, fence }) => ({
    // That its time to wait is over may just have been noted.
    vm: draft.vm(vm.id) ?? vm,
    fence,
    lostOn: leftNode(vm, fence),
    anew: rebalanceOnStart && fence === null && vm.tries.failures === 0,
  });
}

/** The node that it was lost on, or is to leave: any other is better. */
function leftNode(vm: VmRecord, fence: FenceOperation | null): NodeId | null {
  return fence === null || isReturn(fence) ? (vm.move?.from ?? null) : fence.node;
}

/** Why a VM without an owner is not placed yet, though nothing of it is seen to run; null = it may be. */
function awaitedNodes(draft: Draft, vm: VmRecord, fence: FenceOperation | null): string | null {
  return unheardSinceRestore(draft) ?? awaitedHome(draft, vm, fence) ?? unheardNodes(draft, vm);
}

/** VMs that are off and at home on a node that is proven dead, each with the proof. */
function homelessVms(draft: Draft): readonly { vm: VmRecord; fence: FenceOperation }[] {
  const found: { vm: VmRecord; fence: FenceOperation }[] = [];
  for (const node of draft.nodes()) {
    const fence = node.fence === null ? undefined : draft.fence(node.fence);
    if (node.phase !== 'fenced' || fence?.proof == null) continue;
    for (const vm of stoppedVmsOf(draft, node.id)) found.push({ vm, fence });
  }
  return found;
}

/** A stopped VM is recovered too: it gets another home. It needs no permit, so it needs no room. */
function findHome(draft: Draft, vm: VmRecord, fence: FenceOperation, site: Site): void {
  const placement = place({ vm, lostOn: fence.node, anew: false }, site);
  const home = placement.kind === 'placed' ? placement.node : null;
  // Why it waits may just have been noted.
  draft.put({ ...(draft.vm(vm.id) ?? vm), home });
  noteNewHome(draft, { ...vm, home, failover: fence.failover }, explainPlacement(placement));
  draft.event({
    code: 'VM_REHOMED',
    severity: 'info',
    node: home,
    vm: vm.id,
    text: `${vm.spec.name}, which is off, ${home === null ? 'has no home any more' : `belongs to ${home} now`}`,
  });
}

/**
 * Takes over a VM where a person started or moved it while it was ignored. Nobody owns it: this was
 * asked before, so that the safety of it is that of any start.
 */
function takeOver(draft: Draft, vm: VmRecord, running: readonly NodeId[], site: Site): void {
  const [id, ...others] = running;
  if (id === undefined || others.length > 0) {
    explain(draft, vm, `runs on ${running.join(', ')}: stop it by hand on all but one`);
    return;
  }
  const node = draft.node(id);
  const report = draft.observations.nodes.get(id)?.report;
  if (node?.incarnation == null || report?.incarnation !== node.incarnation.id) {
    explain(draft, vm, `runs on ${id}, which is not admitted yet`);
    return;
  }
  const carried = report.domains?.get(vm.id)?.permit?.token ?? null;
  const permit = nextPermit(vm, id, node.incarnation);
  draft.put({ ...withPermit(vm, permit, carried), failover: null, reason: null });
  site.put(vm, id);
  draft.event({
    code: 'VM_ADOPTED',
    severity: 'info',
    node: id,
    vm: vm.id,
    text: `${vm.spec.name} is taken over where it runs, on ${id}`,
  });
}

/** A VM that was ignored may run anywhere: every admitted node is asked before it is started. */
function unheardNodes(draft: Draft, vm: VmRecord): string | null {
  if (!vm.adopting) return null;
  const unheard = draft.nodes().filter((node) => {
    if (node.incarnation === null || isProvenOff(draft, node)) return false;
    const seen = draft.observations.nodes.get(node.id);
    return seen?.report?.domains == null || seen.report.incarnation !== node.incarnation.id;
  });
  if (unheard.length === 0) return null;
  return `${unheard.map((node) => node.id).join(', ')} may run it, and has not said yet`;
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
    const seen = observations.nodes.get(node.id);
    // Heard, it is admitted within moments, or it is not to be waited for beyond `dueMs`.
    if (node.phase === 'joining') return true;
    return node.phase === 'online' && (seen === undefined || seen.lastLeaseMs === null);
  });
  if (missing) draft.wakeAt(dueMs);
  return missing;
}

function waitingVms(draft: Draft): readonly Ownerless[] {
  const waiting: Ownerless[] = [];
  for (const vm of draft.vms()) {
    if (!isMovable(vm) || vm.deleting) continue;
    if (vm.permit === null) {
      if (vm.phase === 'stopped' && vm.desired === 'running') waiting.push({ vm, fence: null });
      continue;
    }
    // Whoever else could run it is accounted for first (`migration.ts`).
    if (vm.phase === 'stopping' || vm.move?.migration != null) continue;
    const fence = proofFor(draft, vm.permit.incarnation);
    // What is not to run has been settled already (`vms.ts`).
    if (fence === undefined || vm.desired !== 'running') continue;
    waiting.push({ vm, fence });
  }
  return waiting.sort((a, b) => compareWaiting(a.vm, b.vm));
}

/** Keeps the reason of a wait in the record, written only when it changes. */
function explain(draft: Draft, vm: VmRecord, reason: string): void {
  if (vm.reason !== reason) draft.put({ ...vm, reason });
}
