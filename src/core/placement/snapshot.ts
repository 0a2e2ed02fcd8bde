import type { NodeId } from '../model/ids.ts';
import type { PlacementPolicy } from '../model/placement-policy.ts';
import type { PlacementRule } from '../model/placement-rule.ts';
import type { VmDesired } from '../model/vm.ts';
import { rulesInForce } from './rule-conflicts.ts';
import { Site } from './site.ts';
import type { MeasuredUse, PlacementNode, PlacementVm } from './site-types.ts';

/** A VM with the node that it has a permit for; null = none. */
export interface SnapshotVm extends PlacementVm {
  readonly node: NodeId | null;
  readonly desired: VmDesired;
  /** Where a copy of it is on the way to; absent = it is not migrated. */
  readonly comingTo?: NodeId | undefined;
  /** Why nothing but a person moves it now; absent = rules and balance may. */
  readonly pinned?: string | undefined;
  /** Why load does not move it, though rules may; absent = load may too. */
  readonly staysPut?: string | undefined;
  /** It goes back to a node that its rule prefers; absent = as the rule says. */
  readonly failback?: boolean | undefined;
}

/** All that plans rest on: a dump of it gives the same plans anywhere. */
export interface SiteSnapshot {
  readonly nodes: readonly PlacementNode[];
  readonly vms: readonly SnapshotVm[];
  readonly rules: readonly PlacementRule[];
  readonly vcpuOvercommit: number;
  readonly policy: PlacementPolicy;
  readonly measured?: ReadonlyMap<string, MeasuredUse>;
}

/** The site of a snapshot, with the VMs counted that `counts` names. */
export function siteOfSnapshot(
  snapshot: SiteSnapshot,
  counts: (vm: SnapshotVm) => boolean = () => true,
): Site {
  const site = new Site({
    nodes: snapshot.nodes,
    rules: rulesInForce(
      snapshot.rules,
      snapshot.nodes.map((node) => node.id),
    ),
    vcpuOvercommit: snapshot.vcpuOvercommit,
    ...(snapshot.measured === undefined ? {} : { measured: snapshot.measured }),
  });
  for (const vm of snapshot.vms) {
    if (vm.node === null || !counts(vm)) continue;
    site.put(vm, vm.node);
    if (vm.comingTo !== undefined) site.put(vm, vm.comingTo);
  }
  return site;
}
