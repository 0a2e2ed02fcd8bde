import type { NodeId } from '../model/ids.ts';
import type { FailoverCapacity } from '../model/placement-policy.ts';
import type { SiteSnapshot, SnapshotVm } from './snapshot.ts';
import { whatIfNodesFail } from './what-if.ts';

/** What is left when some nodes are lost, in MiB. */
export interface CapacityCase {
  /** Names of the nodes, or values of the label, that are lost. */
  readonly lost: readonly string[];
  /** Memory of the VMs that would have to go elsewhere. */
  readonly neededMiB: number;
  readonly vms: number;
  /** Memory that the nodes left have free before that. */
  readonly freeMiB: number;
  /** VMs that would fit nowhere. */
  readonly homeless: readonly string[];
}

export interface CapacityCheck {
  readonly holds: boolean;
  /** The case with most VMs without a node; of those that hold, the one that needs most memory. */
  readonly worst: CapacityCase | null;
  readonly cases: number;
  /** Cases that were not looked at, because there are too many: those that need least memory. */
  readonly skipped: number;
}

/** VMs times cases that one check may look at. */
const maxWork = 2_000_000;

/**
 * Whether every VM that should run still has a node, by room and by rules, after any
 * `failures` nodes or failure domains are lost. The cases that need most memory are looked at first.
 */
export function checkFailoverCapacity(
  snapshot: SiteSnapshot,
  wanted: FailoverCapacity,
): CapacityCheck {
  const settled = withWaitingPlaced(snapshot);
  const domains = domainsOf(settled, wanted.by);
  const memoryOf = new Map<string, number>();
  const domainOf = new Map(
    [...domains].flatMap(([name, nodes]) => nodes.map((node) => [node, name] as const)),
  );
  for (const vm of settled.vms) {
    const domain = vm.node === null ? undefined : domainOf.get(vm.node);
    if (domain === undefined) continue;
    memoryOf.set(domain, (memoryOf.get(domain) ?? 0) + vm.spec.memoryMiB);
  }
  const names = [...domains.keys()].sort(
    (a, b) => (memoryOf.get(b) ?? 0) - (memoryOf.get(a) ?? 0) || (a < b ? -1 : 1),
  );
  const most = Math.max(1, Math.floor(maxWork / Math.max(1, settled.vms.length)));
  const { chosen, all } = combinations(names, wanted.failures, most);
  let worst: CapacityCase | null = null;
  for (const lost of chosen) {
    const found = caseOf(settled, lost, domains);
    if (worst === null || isWorse(found, worst)) worst = found;
  }
  return {
    holds: worst === null || worst.homeless.length === 0,
    worst,
    cases: chosen.length,
    skipped: all - chosen.length,
  };
}

/** The calculation in a sentence, for people. */
export function explainCapacity(check: CapacityCheck): string {
  const { worst } = check;
  if (worst === null) return 'there is no node that could be lost';
  const lost = `with ${worst.lost.join(' and ')} lost`;
  const sum = `${worst.vms} VMs with ${worst.neededMiB} MiB go to nodes with ${worst.freeMiB} MiB free`;
  const skipped =
    check.skipped === 0 ? '' : ` (${check.skipped} cases that need less memory were not looked at)`;
  if (worst.homeless.length === 0) return `${lost}, ${sum}: all have a node${skipped}`;
  const shown = worst.homeless.slice(0, 5).join(', ');
  const more = worst.homeless.length > 5 ? ` and ${worst.homeless.length - 5} more` : '';
  return `${lost}, ${sum}: no node can take ${shown}${more}${skipped}`;
}

/** VMs that wait for a node count where they would be started. */
function withWaitingPlaced(snapshot: SiteSnapshot): SiteSnapshot {
  const nodeOf = new Map<string, NodeId>();
  for (const { waiting, placement } of whatIfNodesFail(snapshot, []).placed) {
    if (placement.kind === 'placed') nodeOf.set(waiting.vm.spec.name, placement.node);
  }
  if (nodeOf.size === 0) return snapshot;
  const vms = snapshot.vms.map((vm): SnapshotVm => {
    const node = nodeOf.get(vm.spec.name);
    return node === undefined ? vm : { ...vm, node };
  });
  return { ...snapshot, vms };
}

/** Nodes that live, by failure domain. A node without the label is a domain of its own. */
function domainsOf(snapshot: SiteSnapshot, by: string | null): ReadonlyMap<string, NodeId[]> {
  const domains = new Map<string, NodeId[]>();
  for (const node of snapshot.nodes) {
    if (!node.alive) continue;
    const name = (by === null ? undefined : node.labels[by]) ?? node.id;
    domains.set(name, [...(domains.get(name) ?? []), node.id]);
  }
  return domains;
}

function caseOf(
  snapshot: SiteSnapshot,
  lost: readonly string[],
  domains: ReadonlyMap<string, readonly NodeId[]>,
): CapacityCase {
  const nodes = new Set(lost.flatMap((name) => domains.get(name) ?? []));
  const { placed } = whatIfNodesFail(snapshot, [...nodes]);
  const moved = placed.filter(({ waiting }) => waiting.lostOn !== null);
  const used = new Map<NodeId, number>();
  for (const { node, spec } of snapshot.vms) {
    if (node !== null) used.set(node, (used.get(node) ?? 0) + spec.memoryMiB);
  }
  let freeMiB = 0;
  for (const node of snapshot.nodes) {
    if (node.closed !== null || nodes.has(node.id)) continue;
    freeMiB += Math.max(0, node.capacity.memoryMiB - (used.get(node.id) ?? 0));
  }
  return {
    lost,
    neededMiB: moved.reduce((sum, { waiting }) => sum + waiting.vm.spec.memoryMiB, 0),
    vms: moved.length,
    freeMiB,
    homeless: placed.flatMap(({ waiting, placement }) =>
      placement.kind === 'nowhere' ? [waiting.vm.spec.name] : [],
    ),
  };
}

function isWorse(a: CapacityCase, b: CapacityCase): boolean {
  if (a.homeless.length !== b.homeless.length) return a.homeless.length > b.homeless.length;
  return a.neededMiB > b.neededMiB;
}

/** The first `most` subsets of a size, those with early names first, and how many there are. */
function combinations(
  names: readonly string[],
  size: number,
  most: number,
): { readonly chosen: readonly (readonly string[])[]; readonly all: number } {
  const take = Math.min(size, names.length);
  let all = take === 0 ? 0 : 1;
  for (let i = 0; i < take; i += 1) all = (all * (names.length - i)) / (i + 1);
  const chosen: string[][] = [];
  const extend = (start: number, picked: readonly string[]): void => {
    if (chosen.length >= most) return;
    if (picked.length === take) {
      if (take > 0) chosen.push([...picked]);
      return;
    }
    for (let i = start; i < names.length && chosen.length < most; i += 1) {
      extend(i + 1, [...picked, names[i] ?? '']);
    }
  };
  extend(0, []);
  return { chosen, all: Math.round(all) };
}
