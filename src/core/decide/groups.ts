import type { NodeId } from '../model/ids.ts';
import type { VmRecord } from '../model/vm.ts';
import type { Group } from '../placement/compiled-rules.ts';
import { place } from '../placement/place.ts';
import type { Site } from '../placement/site.ts';
import { disarmedNow } from './arming.ts';
import type { Draft } from './draft.ts';
import { wantMove } from './policy-moves.ts';
import { siteOf } from './site-of.ts';

/** The others of a VM's group that run on a node, and are not on their way elsewhere. */
export function companionsOn(
  draft: Draft,
  vm: VmRecord,
  group: Group,
  node: NodeId,
): readonly VmRecord[] {
  return draft
    .vms()
    .filter(
      (other) =>
        other.id !== vm.id &&
        other.move === null &&
        other.permit?.node === node &&
        other.desired === 'running' &&
        group.vms.includes(other.spec.name),
    );
}

/**
 * A VM whose starts were given up where the rest of its group runs takes the group with it to another
 * node, while it may be relocated: else a rule that keeps VMs together would keep one of them down.
 */
export function decideGroups(draft: Draft): void {
  if (draft.state.rules.size === 0 || disarmedNow(draft) !== null) return;
  const waiting = draft.vms().filter(isGivenUpSomewhere);
  if (waiting.length === 0) return;
  const site = siteOf(draft, new Set(waiting.map(({ id }) => id)));
  for (const vm of waiting) {
    if (draft.isFull()) return;
    leadGroupAway(draft, vm, site);
  }
}

function isGivenUpSomewhere(vm: VmRecord): boolean {
  return (
    vm.permit === null &&
    vm.phase === 'stopped' &&
    vm.desired === 'running' &&
    !vm.deleting &&
    vm.lock == null &&
    vm.tries.nodes.length > 0 &&
    vm.tries.nodes.length <= vm.spec.limits.relocations
  );
}

function leadGroupAway(draft: Draft, vm: VmRecord, site: Site): void {
  const group = site.rulesOf(vm)?.group ?? null;
  const bound = group === null ? null : site.seatOfGroup(group, vm.spec.name);
  if (group === null || bound === null || !vm.tries.nodes.includes(bound.node.id)) return;
  const from = bound.node.id;
  const companions = companionsOn(draft, vm, group, from);
  if (companions.some(({ lock }) => lock != null)) return;
  for (const one of companions) site.leave(one);
  const refuses = (id: NodeId): string | null =>
    vm.tries.nodes.includes(id) ? 'its starts there were given up' : null;
  const placement = place({ vm, lostOn: null, anew: true, refuses }, site);
  if (placement.kind === 'nowhere') return;
  for (const one of companions) {
    const because = `${vm.spec.name} does not start on ${from}`;
    wantMove(draft, one, { to: placement.node, cause: 'group', because });
  }
  draft.put({ ...vm, home: placement.node });
}
