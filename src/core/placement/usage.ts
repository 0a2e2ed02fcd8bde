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
  for (const { permit, spec } of vms) {
    if (permit === null) continue;
    const before = usage.get(permit.node) ?? none;
    usage.set(permit.node, {
      memoryMiB: before.memoryMiB + spec.memoryMiB,
      vcpus: before.vcpus + spec.vcpus,
      vms: before.vms + 1,
    });
  }
  return usage;
}

export function usageOf(usage: ReadonlyMap<NodeId, NodeUsage>, node: NodeId): NodeUsage {
  return usage.get(node) ?? none;
}
