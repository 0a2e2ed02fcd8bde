import type { NodeId } from '../model/ids.ts';
import type { VmRecord } from '../model/vm.ts';

/** What is promised on one node. */
export interface NodeUsage {
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly vms: number;
}

const none: NodeUsage = { memoryMiB: 0, vcpus: 0, vms: 0 };

/** Every permit counts, also of VMs that are still starting. */
export function usageByNode(vms: Iterable<VmRecord>): ReadonlyMap<NodeId, NodeUsage> {
  const usage = new Map<NodeId, NodeUsage>();
  const add = (node: NodeId, { memoryMiB, vcpus }: VmRecord['spec']): void => {
    const before = usage.get(node) ?? none;
    usage.set(node, {
      memoryMiB: before.memoryMiB + memoryMiB,
      vcpus: before.vcpus + vcpus,
      vms: before.vms + 1,
    });
  };
  for (const { permit, move, spec } of vms) {
    if (permit !== null) add(permit.node, spec);
    // A copy takes its room from the intent on.
    const target = move?.migration?.target.node;
    if (target !== undefined) add(target, spec);
  }
  return usage;
}

export function usageOf(usage: ReadonlyMap<NodeId, NodeUsage>, node: NodeId): NodeUsage {
  return usage.get(node) ?? none;
}
