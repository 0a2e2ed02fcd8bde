import type { FenceOperation } from '../model/fence-operation.ts';
import type { IncarnationId, NodeId } from '../model/ids.ts';
import type { NodeRecord } from '../model/node.ts';
import type { Permit } from '../model/permit.ts';
import type { VmRecord } from '../model/vm.ts';
import type { DomainObservation, NodeObservation, Observations } from '../observations.ts';
import { isLost } from '../timing/silence.ts';
import type { Draft } from './draft.ts';

/** The fence operation whose unrevoked proof covers an incarnation; undefined = not proven dead. */
export function proofFor(draft: Draft, incarnation: IncarnationId): FenceOperation | undefined {
  return draft
    .fences()
    .find(
      (fence) =>
        fence.incarnation.id === incarnation &&
        fence.proof !== null &&
        (fence.phase === 'proven' || fence.phase === 'closed'),
    );
}

/** VMs whose permit is for this incarnation. */
export function heldVmsOf(draft: Draft, incarnation: IncarnationId): readonly VmRecord[] {
  return draft.vms().filter((vm) => vm.permit?.incarnation === incarnation);
}

/**
 * VMs that are being migrated to this incarnation. They are not its own; but a copy may be there, so that
 * it counts as one that could run them until it has dropped the copy, or is proven dead.
 */
export function incomingVmsOf(draft: Draft, incarnation: IncarnationId): readonly VmRecord[] {
  return draft.vms().filter((vm) => vm.move?.migration?.target.incarnation === incarnation);
}

/**
 * VMs that failover moves off a node whose incarnation is dead: those that it held, and those that
 * are stopped and at home there.
 */
export function movableVmsOf(
  draft: Draft,
  node: NodeId,
  incarnation: IncarnationId,
): readonly VmRecord[] {
  return [...heldVmsOf(draft, incarnation).filter(isMovable), ...stoppedVmsOf(draft, node)];
}

/**
 * VMs that are off, belong to a node and follow its fate: desired `stopped`, not `disabled`; and those
 * that are to run, and are locked.
 */
export function stoppedVmsOf(draft: Draft, node: NodeId): readonly VmRecord[] {
  return draft.vms().filter((vm) => vm.permit === null && vm.home === node && staysOff(vm));
}

function staysOff({ desired, lock }: VmRecord): boolean {
  return desired === 'stopped' || (desired === 'running' && lock != null);
}

export function isMovable(vm: VmRecord): boolean {
  return vm.desired !== 'disabled' && vm.desired !== 'ignored';
}

/** What a VM's owner can be told now. */
export type Owner =
  | { readonly kind: 'none' }
  /** Admitted, heard, and of the permit's incarnation: commands reach it. */
  | { readonly kind: 'live'; readonly node: NodeRecord; readonly domain: DomainView }
  /** A proof covers the permit's incarnation: the VM may get a new owner. */
  | { readonly kind: 'dead'; readonly fence: FenceOperation }
  /** Silent, restarted and not yet admitted again, or under a fence without proof: wait. */
  | { readonly kind: 'unreachable' };

/** The owner's word on the domain. `unknown`: its hypervisor does not answer, or no report yet. */
export type DomainView =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly domain: DomainObservation };

export function ownerOf(vm: VmRecord, draft: Draft): Owner {
  return vm.permit === null ? { kind: 'none' } : standingOf(draft, vm, vm.permit);
}

/** The same of any incarnation that may have to do with the VM: its owner, or a migration's target. */
export function standingOf(
  draft: Draft,
  vm: VmRecord,
  holder: Pick<Permit, 'node' | 'incarnation'>,
): Exclude<Owner, { readonly kind: 'none' }> {
  const fence = proofFor(draft, holder.incarnation);
  if (fence !== undefined) return { kind: 'dead', fence };
  const node = draft.node(holder.node);
  if (node === undefined || !isAdmitted(node)) return { kind: 'unreachable' };
  if (node.incarnation?.id !== holder.incarnation) return { kind: 'unreachable' };
  const seen = draft.observations.nodes.get(node.id);
  const reachable =
    seen !== undefined &&
    seen.sessionOpen &&
    seen.incarnation?.id === node.incarnation.id &&
    !isLost(seen, draft.observations, draft.state.settings.timing);
  if (!reachable) return { kind: 'unreachable' };
  return { kind: 'live', node, domain: domainOn(node, vm, draft.observations) };
}

function domainOn(node: NodeRecord, vm: VmRecord, observations: Observations): DomainView {
  const report = observations.nodes.get(node.id)?.report ?? null;
  if (report === null || report.domains === null) return { kind: 'unknown' };
  if (report.incarnation !== node.incarnation?.id) return { kind: 'unknown' };
  const domain = report.domains.get(vm.id);
  return domain === undefined ? { kind: 'absent' } : { kind: 'present', domain };
}

/**
 * Nodes that are heard now and whose report shows the VM's domain active (FAILURES V15). A silent
 * node's last report says nothing any more; that it is dead is for a proof to say.
 */
export function runsOn(vm: VmRecord, draft: Draft): readonly NodeId[] {
  const { timing } = draft.state.settings;
  const found: NodeId[] = [];
  for (const [id, seen] of draft.observations.nodes) {
    if (isLost(seen, draft.observations, timing) || isProvenDead(draft, seen)) continue;
    if (seen.report === null || seen.report.incarnation !== seen.incarnation?.id) continue;
    if (seen.report.domains?.get(vm.id)?.active === true) found.push(id);
  }
  return found;
}

/** A proof covers the incarnation and it answered nothing since: its last report is history. */
function isProvenDead(draft: Draft, seen: NodeObservation): boolean {
  if (seen.incarnation === null) return false;
  const fence = proofFor(draft, seen.incarnation.id);
  if (fence === undefined) return false;
  // Proven by this very decision: its phase is not committed yet.
  const sinceMs = draft.isChanged(fence)
    ? draft.observations.nowMs
    : draft.observations.fencePhaseSince.get(fence.id)?.ms;
  if (sinceMs === undefined) return false;
  return seen.aliveAtMs === null || seen.aliveAtMs <= sinceMs;
}

/** The node's incarnation gets leases and commands. */
export function isAdmitted(node: NodeRecord): boolean {
  return node.phase === 'online' || node.phase === 'quarantined';
}
