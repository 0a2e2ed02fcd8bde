import type { NodeId } from '../model/ids.ts';
import type { RulesOfVm } from './compiled-rules.ts';
import {
  forbiddenOn,
  membersAt,
  needOf,
  refusalOf,
  waitingWith,
  type Need,
  type Refusal,
} from './refusal.ts';
import type { Seat, Site } from './site.ts';
import type { PlacementVm, Waiting } from './site-types.ts';

/** What decided among the nodes that were left. */
export type PlacedBecause = 'home' | 'group' | 'rule' | 'even' | 'allTried';

export type Placement =
  | {
      readonly kind: 'placed';
      readonly node: NodeId;
      readonly because: PlacedBecause;
      readonly refused: readonly Refusal[];
      /** It is not where it would be best, because this VM fits nowhere else. */
      readonly madeRoomFor?: string;
    }
  | { readonly kind: 'nowhere'; readonly refused: readonly Refusal[] };

/** Lower is better, in the order of the fields. */
interface Rank {
  /** Untried nodes first, then the one it was lost on, then those that were given up. */
  readonly tried: number;
  /** By the priorities of its rule about nodes; 0 = the highest there is. */
  readonly preference: number;
  /** Preferences about other VMs and spreading that would be broken. */
  readonly broken: number;
  /** VMs that it is kept apart from are at home there and wait to start. */
  readonly spokenFor: number;
  /** Members of its group, or itself, that are at home there; negative. */
  readonly home: number;
  /** How uneven load would be. */
  readonly uneven: number;
  readonly vms: number;
}

/**
 * Chooses a node for one VM. What is strict decides which nodes are left, and every other has its
 * reason: memory fits without overcommit, vCPUs with it, rules hold; a group that must share a node
 * goes where most of it is, or where all of it that waits fits. Among those left the order of `Rank`
 * decides, and then the name.
 */
export function place(waiting: Waiting, site: Site): Placement {
  const { vm, lostOn, anew, refuses } = waiting;
  const rules = site.rulesOf(vm);
  const unit = unitOf(vm, rules, site);
  const need = needOf(unit);
  const refused: Refusal[] = [];
  const tried: NodeId[] = [];
  let best: { readonly seat: Seat; readonly rank: Rank } | null = null;
  let isPreferred = false;
  for (const seat of site.seats) {
    const because = refuses?.(seat.node.id) ?? refusalOfUnit(unit, need, seat, site);
    if (because !== null) {
      refused.push({ node: seat.node.id, because });
      continue;
    }
    if (vm.tries.nodes.includes(seat.node.id)) tried.push(seat.node.id);
    const rank = rankOf({ vm, lostOn, anew }, unit, seat, site, need);
    const order = best === null ? -1 : compareRanks(rank, best.rank);
    if (best !== null && rank.preference !== best.rank.preference) isPreferred = true;
    if (best === null || order < 0 || (order === 0 && seat.node.id < best.seat.node.id)) {
      best = { seat, rank };
    }
  }
  if (best === null) return { kind: 'nowhere', refused };
  const node = best.seat.node.id;
  const isRetry = vm.tries.nodes.includes(node);
  if (!isRetry) {
    for (const one of tried) refused.push({ node: one, because: 'its starts there were given up' });
  }
  const because = isRetry
    ? 'allTried'
    : decidedBy({ vm, lostOn, anew }, node, { site, isHome: best.rank.home < 0, isPreferred });
  return { kind: 'placed', node, because, refused };
}

function decidedBy(
  { vm, lostOn }: Waiting,
  node: NodeId,
  seen: { readonly site: Site; readonly isHome: boolean; readonly isPreferred: boolean },
): PlacedBecause {
  const rules = seen.site.rulesOf(vm);
  const group = rules?.group ?? null;
  if (group !== null && seen.site.seatOfGroup(group, vm.spec.name) !== null) return 'group';
  if (seen.isHome && node === vm.home && node !== lostOn) return 'home';
  const named = rules?.node?.nodes ?? {};
  return seen.isPreferred && node in named ? 'rule' : 'even';
}

/** A group that is nowhere yet is placed as one; else the VM alone follows it. */
function unitOf(vm: PlacementVm, rules: RulesOfVm | undefined, site: Site): readonly PlacementVm[] {
  if (rules?.group == null || site.seatOfGroup(rules.group, vm.spec.name) !== null) return [vm];
  return waitingWith(vm, rules.group, site);
}

/** Why VMs that go together may not be placed on a node; null = they may. */
export function refusalOfUnit(
  [vm, ...others]: readonly PlacementVm[],
  need: Need,
  seat: Seat,
  site: Site,
): string | null {
  if (vm === undefined) return null;
  const own = refusalOf(vm, seat, site, need);
  if (own !== null) return own;
  for (const other of others) {
    const because = forbiddenOn(other, seat, site);
    if (because !== null) return `${other.spec.name}, which goes with it: ${because}`;
  }
  return null;
}

function rankOf(
  { vm, lostOn, anew }: Waiting,
  unit: readonly PlacementVm[],
  seat: Seat,
  site: Site,
  need: Need,
): Rank {
  const { id } = seat.node;
  const rules = site.rulesOf(vm);
  const wasTried = vm.tries.nodes.includes(id);
  const use = unit.length === 1 ? site.useOf(vm) : totalUse(unit, site);
  return {
    tried: id === lostOn ? (wasTried ? 5 : 2) : wasTried ? 3 : 0,
    preference: rules === undefined ? 0 : preferenceOf(rules, id),
    broken: rules === undefined ? 0 : brokenPreferences(vm, rules, seat, site),
    spokenFor: rules === undefined || anew ? 0 : spokenFor(vm, rules, id, site),
    home: anew ? 0 : -unit.filter((one) => one.home === id && id !== lostOn).length,
    uneven: site.load.with(seat.index, use),
    vms: seat.vms.size + need.vms,
  };
}

export function totalUse(unit: readonly PlacementVm[], site: Site) {
  const uses = unit.map((vm) => site.useOf(vm));
  return {
    memoryMiB: uses.reduce((sum, use) => sum + use.memoryMiB, 0),
    cpus: uses.reduce((sum, use) => sum + use.cpus, 0),
  };
}

/** Steps below the rule's highest priority; a node that the rule does not name comes last. */
export function preferenceOf({ node }: RulesOfVm, id: NodeId): number {
  if (node === null) return 0;
  const priorities = [...new Set(Object.values(node.nodes))].sort((a, b) => b - a);
  const own = node.nodes[id];
  return own === undefined ? priorities.length : priorities.indexOf(own);
}

/** How many preferences about other VMs and spreading a node would break; negative = fulfil. */
export function brokenPreferences(
  vm: PlacementVm,
  rules: RulesOfVm,
  seat: Seat,
  site: Site,
): number {
  const others = (ruleId: string): number => {
    const names = site.membersOn(ruleId, seat);
    return names === undefined ? 0 : names.size - (names.has(vm.spec.name) ? 1 : 0);
  };
  let broken = 0;
  for (const rule of rules.preferApart) broken += others(rule.id);
  for (const rule of rules.preferTogether) broken -= others(rule.id);
  for (const rule of rules.spread) {
    const value = seat.node.labels[rule.label];
    broken += value === undefined ? rule.vms.length : membersAt(rule, value, site, vm.spec.name);
  }
  return broken;
}

/** VMs that it is kept apart from go home first, so that nobody is moved twice. */
function spokenFor(vm: PlacementVm, rules: RulesOfVm, id: NodeId, site: Site): number {
  for (const rule of rules.apart) {
    for (const name of rule.vms) {
      if (name === vm.spec.name || rules.group?.vms.includes(name) === true) continue;
      const waiting = site.expected(name);
      if (waiting !== undefined && groupHasHome(waiting.vm, id, site)) return 1;
    }
  }
  return 0;
}

function groupHasHome(vm: PlacementVm, id: NodeId, site: Site): boolean {
  const group = site.rulesOf(vm)?.group ?? null;
  if (group === null) return vm.home === id;
  return waitingWith(vm, group, site).some((one) => one.home === id);
}

function compareRanks(a: Rank, b: Rank): number {
  return (
    a.tried - b.tried ||
    a.preference - b.preference ||
    a.broken - b.broken ||
    a.spokenFor - b.spokenFor ||
    a.home - b.home ||
    a.uneven - b.uneven ||
    a.vms - b.vms
  );
}
