import { armed, type Disarmed } from '../model/arming.ts';
import type { VmRecord } from '../model/vm.ts';
import type { Draft } from './draft.ts';

/** How soon the end of a disarmed time is looked for again, in ms. */
const lookAgainMs = 1000;

/** Nothing begins by itself: no fencing, no restart, no recovery. Null = Kennel is armed. */
export function disarmedNow(draft: Draft): Disarmed | null {
  return draft.arming().disarmed;
}

/** Nothing is decided about this VM: it is left to people, for itself or with all the others. */
export function isLeftAlone(draft: Draft, vm: VmRecord): boolean {
  return vm.desired === 'ignored' || disarmedNow(draft)?.mode === 'ignore';
}

/** Two nodes have the guest's memory, or the one that got it has not woken it yet. */
export function isBetweenNodes({ move, operation }: VmRecord): boolean {
  return move?.migration != null || operation?.kind === 'resume';
}

/** Why a VM waits that would be started or moved. */
export function disarmedText({ mode, until }: Disarmed): string {
  const end = until === null ? 'until kennel arm' : `until ${until}, or kennel arm`;
  return `the cluster is disarmed (${mode}) ${end}`;
}

/**
 * Arms again when the time is over. While every VM is left to people, each is marked as to be looked
 * at before anything is done about it, in as many decisions as there are VMs for: a person may have
 * started, stopped or moved it meanwhile.
 */
export function decideArming(draft: Draft): void {
  const disarmed = disarmedNow(draft);
  if (disarmed === null) return;
  if (disarmed.until !== null && draft.observations.nowWall >= disarmed.until) {
    draft.put(armed);
    draft.event({
      code: 'CLUSTER_ARMED',
      severity: 'warning',
      node: null,
      vm: null,
      text: `armed again, as said at ${disarmed.since}`,
    });
    return;
  }
  if (disarmed.until !== null) draft.wakeAt(draft.observations.nowMs + lookAgainMs);
  if (disarmed.mode === 'freeze') return;
  for (const vm of draft.vms()) {
    if (draft.isFull()) return;
    if (vm.desired === 'ignored' || vm.deleting || vm.adopting) continue;
    // What has begun is brought to its end first.
    if (isBetweenNodes(vm)) continue;
    draft.put(lookedAtFirst(vm));
  }
}

/**
 * No command follows any more; one that is on its way may still take effect. Who owns it stays as it
 * is, because the owner's domain may run on.
 */
function lookedAtFirst(vm: VmRecord): VmRecord {
  return {
    ...vm,
    phase: vm.permit === null ? 'stopped' : 'running',
    operation: vm.operation?.kind === 'permit' ? vm.operation : null,
    failover: null,
    reason: null,
    move: null,
    adopting: true,
  };
}
