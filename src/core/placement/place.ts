import type { NodeId } from '../model/ids.ts';
import type { NodeCapacity } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import { freeOf, usageOf, type UsageByNode } from './usage.ts';

export interface PlacementNode {
  readonly id: NodeId;
  readonly capacity: NodeCapacity;
  /** Why nothing may be placed here now; null = it may. */
  readonly closed: string | null;
}

export interface PlacementInput {
  readonly nodes: readonly PlacementNode[];
  readonly usage: UsageByNode;
  readonly vcpuOvercommit: number;
}

export interface Refusal {
  readonly node: NodeId;
  readonly because: string;
}

export type Placement =
  | { readonly kind: 'placed'; readonly node: NodeId; readonly refused: readonly Refusal[] }
  | { readonly kind: 'nowhere'; readonly refused: readonly Refusal[] };

/**
 * Chooses a node for one VM: memory fits without overcommit, vCPUs with it, exclusions hold, and
 * among those left the one with the largest share of memory still free afterwards; then the one
 * with fewer VMs; then by name. Every node not chosen for a rule has its reason.
 */
export function place(vm: VmRecord, input: PlacementInput): Placement {
  const refused: Refusal[] = [];
  let best: { node: PlacementNode; freeShare: number; vms: number } | null = null;
  for (const node of input.nodes) {
    const because = refusalOf(vm, node, input);
    if (because !== null) {
      refused.push({ node: node.id, because });
      continue;
    }
    const usage = usageOf(input.usage, node.id);
    const freeShare =
      (node.capacity.memoryMiB - usage.memoryMiB - vm.spec.memoryMiB) /
      Math.max(1, node.capacity.memoryMiB);
    const candidate = { node, freeShare, vms: usage.vms.size };
    if (best === null || isBetter(candidate, best)) best = candidate;
  }
  return best === null
    ? { kind: 'nowhere', refused }
    : { kind: 'placed', node: best.node.id, refused };
}

function isBetter(
  a: { node: PlacementNode; freeShare: number; vms: number },
  b: { node: PlacementNode; freeShare: number; vms: number },
): boolean {
  if (a.freeShare !== b.freeShare) return a.freeShare > b.freeShare;
  if (a.vms !== b.vms) return a.vms < b.vms;
  return a.node.id < b.node.id;
}

function refusalOf(vm: VmRecord, node: PlacementNode, input: PlacementInput): string | null {
  if (node.closed !== null) return node.closed;
  if (vm.spec.nodes.length > 0 && !vm.spec.nodes.includes(node.id)) {
    return `not among its allowed nodes (${vm.spec.nodes.join(', ')})`;
  }
  const usage = usageOf(input.usage, node.id);
  const free = freeOf(node.capacity, usage, input.vcpuOvercommit);
  if (free.memoryMiB < vm.spec.memoryMiB) {
    return `needs ${vm.spec.memoryMiB} MiB of memory, ${Math.max(0, free.memoryMiB)} MiB are free`;
  }
  if (free.vcpus < vm.spec.vcpus) {
    return `needs ${vm.spec.vcpus} vCPUs, ${Math.max(0, free.vcpus)} are free`;
  }
  for (const other of vm.spec.separateFrom) {
    if (usage.vms.has(other)) return `must not share a node with ${other}`;
  }
  if (usage.avoided.has(vm.spec.name)) return `a VM there must not share a node with it`;
  return null;
}

/** The sentence that a record keeps of a choice. */
export function explainPlacement(placement: Placement): string {
  const refused = placement.refused.map((one) => `${one.node}: ${one.because}`).join('; ');
  if (placement.kind === 'nowhere') return `no node can take it (${refused || 'there is none'})`;
  return refused === ''
    ? `${placement.node} has the most memory left`
    : `${placement.node} has the most memory left of those allowed (${refused})`;
}
