import type { VmId } from '../model/ids.ts';
import type { NodeRecord } from '../model/node.ts';
import { rulesInForce } from '../placement/rule-conflicts.ts';
import type { SiteSnapshot } from '../placement/snapshot.ts';
import { Site } from '../placement/site.ts';
import type { PlacementNode } from '../placement/site-types.ts';
import { closedBecause } from './closed-nodes.ts';
import type { Draft } from './draft.ts';

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
  });
  for (const vm of draft.vms()) {
    if (without.has(vm.id)) continue;
    if (vm.permit !== null) site.put(vm, vm.permit.node);
    // A copy takes its room from the intent on, and rules hold where it will run.
    const target = vm.move?.migration?.target.node;
    if (target !== undefined) site.put(vm, target);
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
      })),
    rules: draft.rules(),
    vcpuOvercommit: settings.vcpuOvercommit,
    policy: settings.placement,
  };
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
