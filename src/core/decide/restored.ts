import type { NodeRecord } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import type { NodeObservation } from '../observations.ts';
import type { Draft } from './draft.ts';
import { isAdmitted, runsOn } from './ownership.ts';

/*
 * What follows on a restore of the store (FAILURES M7; `request/restore.ts` makes the records). A
 * record may name an owner that has long lost the VM, so nothing moves before every node has said
 * what it runs, or is proven off.
 */

/**
 * True when the node need not be waited for any more, and that is put down: it said what it runs and
 * each of those VMs is on record as held or maybe held by it, or it is proven off.
 */
export function notePlaces(
  draft: Draft,
  node: NodeRecord,
  seen: NodeObservation | undefined,
): boolean {
  if (!hasSaid(draft, node, seen) && !isProvenOff(draft, node)) return false;
  const { unheardSince: _, ...heard } = node;
  draft.put(heard);
  return true;
}

function hasSaid(draft: Draft, node: NodeRecord, seen: NodeObservation | undefined): boolean {
  if (!isAdmitted(node) || node.incarnation === null || seen?.report?.domains == null) return false;
  if (!seen.sessionOpen || seen.report.incarnation !== node.incarnation.id) return false;
  for (const domain of seen.report.domains.values()) {
    if (domain.active && !isOnRecord(draft.vm(domain.vm), node)) return false;
  }
  return true;
}

/** A VM without a record is left alone where it runs, and no other node will be told to run it. */
function isOnRecord(vm: VmRecord | undefined, node: NodeRecord): boolean {
  if (vm === undefined || vm.desired === 'ignored' || vm.permit?.node === node.id) return true;
  const boot = node.incarnation?.bootId;
  return vm.strays.some((stray) => stray.node === node.id && stray.bootId === boot);
}

/** Proven dead by what holds of the machine. That it is back with another boot says nothing of that one. */
export function isProvenOff(draft: Draft, node: NodeRecord): boolean {
  const fence = node.fence === null ? undefined : draft.fence(node.fence);
  if (node.phase !== 'fenced' || fence?.proof == null) return false;
  return fence.proof.kind !== 'newBoot';
}

/** Why no VM may get a new owner yet; null = it may. */
export function unheardSinceRestore(draft: Draft): string | null {
  const unheard = draft.nodes().filter((node) => node.unheardSince !== undefined);
  if (unheard.length === 0) return null;
  const names = unheard.map((node) => node.id).join(', ');
  return `the store was restored from a backup, and ${names} may run it and has not said yet`;
}

/**
 * VMs that were off in the backup and run now were started since: that is what is wanted of them.
 * Those that do not run are off as before, once every node has been heard.
 */
export function adoptUnwanted(draft: Draft): void {
  for (const vm of draft.vms()) {
    if (draft.isFull()) return;
    const isOff = vm.desired === 'stopped' || vm.desired === 'disabled';
    if (!vm.adopting || !isOff || vm.permit !== null || vm.phase !== 'stopped') continue;
    if (runsOn(vm, draft).length > 0) {
      draft.put({ ...vm, desired: 'running' });
      continue;
    }
    if (vm.strays.length > 0 || unheardSinceRestore(draft) !== null) continue;
    draft.put({ ...vm, adopting: false });
  }
}
