import type { NodeId } from '../model/ids.ts';
import type { SpreadRule } from '../model/placement-rule.ts';
import type { Group, RulesOfVm } from './compiled-rules.ts';
import type { Seat, Site } from './site.ts';
import type { PlacementVm } from './site-types.ts';

/** A node that was not chosen, and the rule or lack of room that forbids it. */
export interface Refusal {
  readonly node: NodeId;
  readonly because: string;
}

/** How much room a choice needs: that of the VM, or of all of its group that waits with it. */
export interface Need {
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly vms: number;
}

/** Why a VM may not be placed on a node; null = it may. */
export function refusalOf(vm: PlacementVm, seat: Seat, site: Site, need: Need): string | null {
  if (seat.node.closed !== null) return seat.node.closed;
  return forbiddenOn(vm, seat, site) ?? lackOfRoom(seat, site, need);
}

/**
 * As `refusalOf` for VMs that a person sends to a node in spite of the rules about nodes: room, and what
 * must not share a node, hold all the same.
 */
export function refusalDespiteNodeRules(
  vms: readonly PlacementVm[],
  seat: Seat,
  site: Site,
): string | null {
  if (seat.node.closed !== null) return seat.node.closed;
  for (const vm of vms) {
    const because = forbiddenByOthers(vm, seat, site);
    if (because !== null) return because;
  }
  return lackOfRoom(seat, site, needOf(vms));
}

/** As `refusalOf`, by rules alone: what a VM that runs there would break. */
export function forbiddenOn(vm: PlacementVm, seat: Seat, site: Site): string | null {
  const { spec } = vm;
  if (spec.nodes.length > 0 && !spec.nodes.includes(seat.node.id)) {
    return `not among its allowed nodes (${spec.nodes.join(', ')})`;
  }
  const node = site.rulesOf(vm)?.node ?? null;
  if (node?.strict === true && !(seat.node.id in node.nodes)) {
    return `rule ${node.id} allows only ${Object.keys(node.nodes).join(', ')}`;
  }
  return forbiddenByOthers(vm, seat, site);
}

function forbiddenByOthers(vm: PlacementVm, seat: Seat, site: Site): string | null {
  const { spec } = vm;
  for (const other of spec.separateFrom) {
    if (seat.vms.has(other)) return `must not share a node with ${other}`;
  }
  if (seat.avoided.has(spec.name)) return 'a VM there must not share a node with it';
  const rules = site.rulesOf(vm);
  return rules === undefined ? null : forbiddenByRules(vm, rules, seat, site);
}

function forbiddenByRules(
  vm: PlacementVm,
  rules: RulesOfVm,
  seat: Seat,
  site: Site,
): string | null {
  const { name } = vm.spec;
  for (const rule of rules.apart) {
    for (const other of site.membersOn(rule.id, seat) ?? []) {
      if (other === name || rules.group?.vms.includes(other) === true) continue;
      return `rule ${rule.id} keeps it apart from ${other}`;
    }
  }
  if (rules.group !== null) {
    const bound = site.seatOfGroup(rules.group, name);
    if (bound !== null && bound !== seat) {
      return `rule ${rules.group.name} keeps it together with what is on ${bound.node.id}`;
    }
  }
  for (const rule of rules.spread) {
    const because = rule.strict ? spreadProblem(rule, name, seat, site) : null;
    if (because !== null) return because;
  }
  return null;
}

/** Strictly even: no value of the label has more than its share, rounded up. */
function spreadProblem(rule: SpreadRule, name: string, seat: Seat, site: Site): string | null {
  const value = seat.node.labels[rule.label];
  if (value === undefined) return `rule ${rule.id} spreads over ${rule.label}, which it has not`;
  const most = Math.ceil(rule.vms.length / Math.max(1, site.valuesOf(rule.label)));
  const there = membersAt(rule, value, site, name);
  if (there < most) return null;
  return `rule ${rule.id}: ${rule.label} ${value} has ${there} of its VMs, ${most} at most`;
}

/** How many of a spread rule's VMs, this one apart, are where the label has a value. */
export function membersAt(rule: SpreadRule, value: string, site: Site, without: string): number {
  let count = 0;
  for (const [seat, names] of site.membersOf(rule.id)) {
    if (seat.node.labels[rule.label] !== value || !seat.node.alive) continue;
    count += names.size - (names.has(without) ? 1 : 0);
  }
  return count;
}

function lackOfRoom(seat: Seat, site: Site, need: Need): string | null {
  const { capacity } = seat.node;
  const memoryMiB = capacity.memoryMiB - seat.memoryMiB;
  const whose = need.vms > 1 ? `its group of ${need.vms} needs` : 'needs';
  if (memoryMiB < need.memoryMiB) {
    return `${whose} ${need.memoryMiB} MiB of memory, ${Math.max(0, memoryMiB)} MiB are free`;
  }
  const vcpus = Math.floor(capacity.vcpus * site.vcpuOvercommit) - seat.vcpus;
  if (vcpus < need.vcpus) return `${whose} ${need.vcpus} vCPUs, ${Math.max(0, vcpus)} are free`;
  return null;
}

/** The members of a group that wait to be placed with a VM, it included. */
export function waitingWith(vm: PlacementVm, group: Group, site: Site): readonly PlacementVm[] {
  const others = group.vms.flatMap((name) => {
    const waiting = name === vm.spec.name ? undefined : site.expected(name);
    return waiting === undefined ? [] : [waiting.vm];
  });
  return [vm, ...others];
}

export function needOf(vms: readonly PlacementVm[]): Need {
  return {
    memoryMiB: vms.reduce((sum, vm) => sum + vm.spec.memoryMiB, 0),
    vcpus: vms.reduce((sum, vm) => sum + vm.spec.vcpus, 0),
    vms: vms.length,
  };
}
