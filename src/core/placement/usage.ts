import type { NodeId } from '../model/ids.ts';
import type { NodeCapacity } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';

export interface NodeUsage {
  memoryMiB: number;
  vcpus: number;
  /** Names of the VMs whose permit is for the node. */
  readonly vms: Set<string>;
  /** Names that some VM of the node must not share it with. */
  readonly avoided: Set<string>;
}

/** What each node has promised. Mutable: a batch adds its own choices as it makes them. */
export type UsageByNode = Map<NodeId, NodeUsage>;

const emptyUsage = (): NodeUsage => ({
  memoryMiB: 0,
  vcpus: 0,
  vms: new Set(),
  avoided: new Set(),
});

/** Every permit counts, also of VMs that are still starting. */
export function usageByNode(vms: Iterable<VmRecord>): UsageByNode {
  const usage: UsageByNode = new Map();
  for (const vm of vms) {
    if (vm.permit !== null) addUsage(usage, vm.permit.node, vm);
    // A copy takes its room from the intent on.
    const target = vm.move?.migration?.target.node;
    if (target !== undefined) addUsage(usage, target, vm);
  }
  return usage;
}

export function addUsage(usage: UsageByNode, node: NodeId, vm: VmRecord): void {
  const entry = usage.get(node) ?? emptyUsage();
  entry.memoryMiB += vm.spec.memoryMiB;
  entry.vcpus += vm.spec.vcpus;
  entry.vms.add(vm.spec.name);
  for (const other of vm.spec.separateFrom) entry.avoided.add(other);
  usage.set(node, entry);
}

export function usageOf(usage: UsageByNode, node: NodeId): NodeUsage {
  return usage.get(node) ?? emptyUsage();
}

/** What is left of a node, vCPUs with overcommit. May be negative after a capacity loss. */
export function freeOf(
  capacity: NodeCapacity,
  usage: NodeUsage,
  vcpuOvercommit: number,
): NodeCapacity {
  return {
    memoryMiB: capacity.memoryMiB - usage.memoryMiB,
    vcpus: Math.floor(capacity.vcpus * vcpuOvercommit) - usage.vcpus,
  };
}
