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
  | {
      readonly kind: 'placed';
      readonly node: NodeId;
      readonly because: 'home' | 'room' | 'allTried';
      readonly refused: readonly Refusal[];
    }
  | { readonly kind: 'nowhere'; readonly refused: readonly Refusal[] };

interface Candidate {
  readonly node: PlacementNode;
  readonly rank: number;
  readonly freeShare: number;
  readonly vms: number;
}

/**
 * Chooses a node for one VM: memory fits without overcommit, vCPUs with it, exclusions hold. Among
 * those left its home comes first, then the one with the largest share of memory still free
 * afterwards; then the one with fewer VMs; then by name. The node that it was `lostOn` and those on
 * which its starts were given up come after all others. Every node not chosen for a rule has its
 * reason.
 */
export function place(
  vm: VmRecord,
  input: PlacementInput,
  lostOn: NodeId | null = null,
): Placement {
  const refused: Refusal[] = [];
  const tried: NodeId[] = [];
  let best: Candidate | null = null;
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
    if (wasTried(vm, node.id)) tried.push(node.id);
    const candidate = { node, rank: rankOf(vm, node.id, lostOn), freeShare, vms: usage.vms.size };
    if (best === null || isBetter(candidate, best)) best = candidate;
  }
  if (best === null) return { kind: 'nowhere', refused };
  const { id } = best.node;
  const isRetry = wasTried(vm, id);
  if (!isRetry) {
    refused.push(...tried.map((node) => ({ node, because: 'its starts there were given up' })));
  }
  const because = isRetry ? 'allTried' : id === vm.home && id !== lostOn ? 'home' : 'room';
  return { kind: 'placed', node: id, because, refused };
}

function wasTried(vm: VmRecord, node: NodeId): boolean {
  return vm.tries.nodes.includes(node);
}

/** Lower is better. With every node tried, it stays where it is. */
function rankOf(vm: VmRecord, node: NodeId, lostOn: NodeId | null): number {
  if (node === lostOn) return wasTried(vm, node) ? 5 : 2;
  return (wasTried(vm, node) ? 3 : 0) + (node === vm.home ? 0 : 1);
}

function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.rank !== b.rank) return a.rank < b.rank;
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
  const others = refused === '' ? '' : ` (${refused})`;
  switch (placement.because) {
    case 'home':
      return `it belongs to ${placement.node}${others}`;
    case 'allTried':
      return `${placement.node} is tried again: there is no other left${others}`;
    case 'room':
      return refused === ''
        ? `${placement.node} has the most memory left`
        : `${placement.node} has the most memory left of those allowed${others}`;
    default:
      return placement.because satisfies never;
  }
}
