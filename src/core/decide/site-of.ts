import type { VmId } from '../model/ids.ts';
import type { NodeRecord } from '../model/node.ts';
import { rulesInForce } from '../placement/rule-conflicts.ts';
import type { SiteSnapshot, SnapshotVm } from '../placement/snapshot.ts';
import { Site } from '../placement/site.ts';
import type { MeasuredUse, PlacementNode } from '../placement/site-types.ts';
import type { VmRecord } from '../model/vm.ts';
import { closedBecause } from './closed-nodes.ts';
import type { Draft } from './draft.ts';
import { pinnedBecause, staysPutBecause } from './pinned.ts';

/** What is promised where as it is committed, with the permits of some VMs left out. */
export function siteOf(draft: Draft, without: ReadonlySet<VmId>): Site {
  const nodes = draft.nodes();
  const site = new Site({
    nodes: nodes.map((node) => placementNode(draft, node)),
    rules: rulesInForce(
      draft.rules(),
      nodes.map((node) => node.id),
    ),
    vcpuOvercommit: draft.state.settings.vcpuOvercommit,
    ...otherLoad(draft),
  });
  for (const vm of draft.vms()) {
    if (without.has(vm.id)) continue;
    if (vm.permit !== null) site.put(vm, vm.permit.node);
    // A copy takes its room from the intent on, and rules hold where it will run.
    const target = vm.move?.migration?.target.node;
    if (target !== undefined) site.put(vm, target);
    else if (vm.permit !== null && vm.move !== null) site.leave(vm);
  }
  return site;
}

/** All that plans rest on, as it is committed and observed now. */
export function snapshotOf(draft: Draft): SiteSnapshot {
  const settings = draft.settings();
  return {
    nodes: draft.nodes().map((node) => placementNode(draft, node)),
    vms: draft
      .vms()
      .filter((vm) => !vm.deleting)
      .map((vm) => ({
        id: vm.id,
        spec: vm.spec,
        node: vm.permit?.node ?? null,
        home: vm.home,
        desired: vm.desired,
        tries: vm.tries,
        ...standing(draft, vm),
      })),
    rules: draft.rules(),
    vcpuOvercommit: settings.vcpuOvercommit,
    policy: settings.placement,
    ...otherLoad(draft),
  };
}

/** What plans of moves need beyond where it is; nothing for one that runs and may be moved. */
function standing(
  draft: Draft,
  vm: VmRecord,
): Pick<SnapshotVm, 'comingTo' | 'pinned' | 'staysPut' | 'failback'> {
  const comingTo = vm.move?.migration?.target.node;
  const pinned = pinnedBecause(draft, vm);
  const staysPut = staysPutBecause(vm);
  const failback = vm.spec.selfMoves?.failback;
  return {
    ...(comingTo === undefined ? {} : { comingTo }),
    ...(pinned === null ? {} : { pinned }),
    ...(staysPut === null ? {} : { staysPut }),
    ...(failback === undefined ? {} : { failback }),
  };
}

/**
 * What counts as load instead of what a VM has: what nodes measured of late, or, where that is not asked
 * for, what an edit has configured that waits for its next start.
 */
function otherLoad(draft: Draft): Pick<SiteSnapshot, 'measured'> {
  const measured = new Map<string, MeasuredUse>();
  if (draft.state.settings.placement.load === 'configured') {
    for (const { spec, staged } of draft.vms()) {
      if (staged == null) continue;
      measured.set(spec.name, { memoryMiB: staged.memoryMiB, cpus: staged.vcpus });
    }
    return measured.size === 0 ? {} : { measured };
  }
  for (const { spec, id, permit } of draft.vms()) {
    const seen = permit === null ? undefined : draft.observations.nodes.get(permit.node);
    const use = seen?.report?.usage?.get(id);
    if (use !== undefined) measured.set(spec.name, use);
  }
  return { measured };
}

function placementNode(draft: Draft, node: NodeRecord): PlacementNode {
  return {
    id: node.id,
    capacity: node.capacity,
    labels: node.labels,
    closed: closedBecause(draft, node),
    alive: node.phase === 'online',
  };
}
