import type { PlacementPolicy } from '../model/placement-policy.ts';
import { needOf, type Need } from './refusal.ts';
import type { Move } from './moves.ts';
import { brokenPreferences, preferenceOf, refusalOfUnit, totalUse } from './place.ts';
import type { Seat, Site } from './site.ts';
import { siteOfSnapshot, type SiteSnapshot, type SnapshotVm } from './snapshot.ts';

export interface BalancePlan {
  /** `LoadSpread.imbalance()` now, and after all moves. */
  readonly imbalance: { readonly before: number; readonly after: number };
  /** Each is worth it by itself, given those before it. */
  readonly moves: readonly Move[];
}

/** Nodes that moves are looked for on, the most loaded first: a large site is not looked at whole. */
const maxSources = 8;

/**
 * Few moves that even out load: one after the other the one that helps most, as long as it takes
 * away at least `minRelativeGain` of what is uneven, breaks no strict rule and no preference that is
 * kept now. A group moves as one. Empty below the threshold.
 */
export function planBalance(snapshot: SiteSnapshot): BalancePlan {
  const { threshold, maxMoves, minRelativeGain } = snapshot.policy.balance;
  const site = siteOfSnapshot(snapshot);
  const before = site.load.imbalance();
  const moves: Move[] = [];
  const units = unitsOf(snapshot, site);
  while (moves.length < maxMoves && site.load.imbalance() > threshold) {
    const now = site.load.now();
    const best = bestMove(site, units);
    if (best === null || now - best.spread < now * minRelativeGain) break;
    for (const vm of best.unit) {
      site.take(vm, best.from.node.id);
      site.put(vm, best.to.node.id);
      const because = `load becomes more even: ${percent(now)} to ${percent(best.spread)} spread`;
      moves.push({
        vm,
        from: best.from.node.id,
        to: best.to.node.id,
        because,
        isStrict: false,
        cause: 'balance',
        ...(best.unit.length > 1 ? { unit: best.unit.map((one) => one.spec.name).join('+') } : {}),
      });
    }
    units.set(
      best.from,
      (units.get(best.from) ?? []).filter((one) => one !== best.unit),
    );
  }
  return { imbalance: { before, after: site.load.imbalance() }, moves };
}

/** Looks at the balance that were above the threshold, in a row. */
export interface BalanceMemory {
  readonly above: number;
}

/**
 * Hysteresis: one more look. Moves are due when `holdRounds` looks in a row were above the threshold;
 * the count begins anew then, so that their effect is seen before more are proposed.
 */
export function balanceRound(
  memory: BalanceMemory,
  imbalance: number,
  { mode, threshold, holdRounds }: PlacementPolicy['balance'],
): { readonly memory: BalanceMemory; readonly isDue: boolean } {
  if (mode === 'off' || imbalance <= threshold) return { memory: { above: 0 }, isDue: false };
  const above = memory.above + 1;
  const isDue = above >= holdRounds;
  return { memory: { above: isDue ? 0 : above }, isDue };
}

type Unit = readonly SnapshotVm[];

interface Candidate {
  readonly unit: Unit;
  readonly from: Seat;
  readonly to: Seat;
  readonly spread: number;
}

/** What may be moved off each node: VMs that run, and groups that are there as a whole. */
function unitsOf(snapshot: SiteSnapshot, site: Site): Map<Seat, Unit[]> {
  const units = new Map<Seat, Unit[]>();
  const groups = new Map<string, SnapshotVm[]>();
  for (const vm of snapshot.vms) {
    const seat = vm.node === null ? undefined : site.seat(vm.node);
    if (seat === undefined || vm.desired !== 'running' || !seat.node.alive) continue;
    const group = site.rulesOf(vm)?.group ?? null;
    if (group === null && !isFree(vm)) continue;
    if (group === null) {
      add(units, seat, [vm]);
      continue;
    }
    add(groups, group.name, vm);
  }
  for (const vms of groups.values()) {
    const seats = new Set(vms.map((vm) => (vm.node === null ? undefined : site.seat(vm.node))));
    const [seat] = seats;
    if (seats.size !== 1 || seat === undefined) continue;
    if (!vms.every(isFree)) continue;
    add(units, seat, vms);
  }
  return units;
}

const isFree = (vm: SnapshotVm): boolean =>
  vm.pinned === undefined && vm.staysPut === undefined && vm.comingTo === undefined;

function add<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function bestMove(site: Site, units: ReadonlyMap<Seat, readonly Unit[]>): Candidate | null {
  const weight = (seat: Seat): number => {
    const { memory, cpu } = site.load.of(seat.index);
    return memory + cpu;
  };
  const sources = [...units.keys()]
    .sort((a, b) => weight(b) - weight(a) || (a.node.id < b.node.id ? -1 : 1))
    .slice(0, maxSources);
  let best: Candidate | null = null;
  for (const from of sources) {
    for (const unit of units.get(from) ?? []) {
      const found = bestTarget(site, unit, from);
      if (found !== null && (best === null || found.spread < best.spread)) best = found;
    }
  }
  return best;
}

function bestTarget(site: Site, unit: Unit, from: Seat): Candidate | null {
  const need = needOf(unit);
  const use = totalUse(unit, site);
  const kept = unit.map((vm) => preferencesAt(vm, from, site));
  for (const vm of unit) site.take(vm, from.node.id);
  let best: Candidate | null = null;
  for (const to of site.seats) {
    if (to === from) continue;
    const spread = site.load.with(to.index, use);
    if (best !== null && spread >= best.spread) continue;
    if (mayGo(unit, need, to, site, kept)) best = { unit, from, to, spread };
  }
  for (const vm of unit) site.put(vm, from.node.id);
  return best;
}

function mayGo(
  unit: Unit,
  need: Need,
  to: Seat,
  site: Site,
  kept: readonly { readonly preference: number; readonly broken: number }[],
): boolean {
  if (refusalOfUnit(unit, need, to, site) !== null) return false;
  return unit.every((vm, index) => {
    const there = preferencesAt(vm, to, site);
    const here = kept[index];
    return here !== undefined && there.preference <= here.preference && there.broken <= here.broken;
  });
}

function preferencesAt(vm: SnapshotVm, seat: Seat, site: Site) {
  const rules = site.rulesOf(vm);
  if (rules === undefined) return { preference: 0, broken: 0 };
  return {
    preference: preferenceOf(rules, seat.node.id),
    broken: brokenPreferences(vm, rules, seat, site),
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
