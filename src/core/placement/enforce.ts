import { compareWaiting } from './batch.ts';
import type { RulesOfVm } from './compiled-rules.ts';
import { explainPlacement } from './explain-placement.ts';
import type { Move } from './moves.ts';
import { place, preferenceOf, type Placement } from './place.ts';
import { forbiddenOn } from './refusal.ts';
import type { Site } from './site.ts';
import { siteOfSnapshot, type SiteSnapshot, type SnapshotVm } from './snapshot.ts';

export interface Enforcement {
  /** In the order in which they may be carried out: each sees those before it done. */
  readonly moves: readonly Move[];
  /** VMs that break a strict rule and have no node that would mend it, with the reasons. */
  readonly stuck: readonly { readonly vm: SnapshotVm; readonly because: string }[];
}

/**
 * Running VMs that their rules want elsewhere: those that break a strict rule where they are, and
 * those whose rule about nodes prefers a node that can take them again (failback). By priority, then
 * by size; nothing moves that is well where it is, and nothing moves twice. A group that shares a node
 * goes as a whole; one of it that is elsewhere comes to the others. Each move takes away a broken rule,
 * or comes nearer to a preferred node and breaks none, so that moves come to an end.
 */
export function planEnforcement(snapshot: SiteSnapshot): Enforcement {
  const site = siteOfSnapshot(snapshot);
  const byName = new Map(snapshot.vms.map((vm) => [vm.spec.name, vm]));
  const moves: Move[] = [];
  const stuck: { vm: SnapshotVm; because: string }[] = [];
  const moved = new Set<SnapshotVm>();
  for (const vm of [...snapshot.vms].sort(compareWaiting)) {
    if (!isRunning(vm) || moved.has(vm) || !isBound(vm, site)) continue;
    const step = stepFor(vm, { site, byName, moved });
    if (step === null) continue;
    if (step.kind === 'stuck') {
      stuck.push({ vm, because: step.because });
      continue;
    }
    for (const move of step.moves) {
      site.take(move.vm, move.from);
      site.put(move.vm, move.to);
      moved.add(move.vm);
      moves.push(move);
    }
  }
  return { moves, stuck };
}

type Running = SnapshotVm & { readonly node: NonNullable<SnapshotVm['node']> };

function isRunning(vm: SnapshotVm): vm is Running {
  return vm.desired === 'running' && vm.node !== null && vm.comingTo === undefined;
}

function isBound({ spec }: SnapshotVm, site: Site): boolean {
  return site.rules.has(spec.name) || spec.nodes.length > 0 || spec.separateFrom.length > 0;
}

interface Planning {
  readonly site: Site;
  readonly byName: ReadonlyMap<string, SnapshotVm>;
  readonly moved: ReadonlySet<SnapshotVm>;
}

type Step =
  | { readonly kind: 'move'; readonly moves: readonly Move[] }
  | { readonly kind: 'stuck'; readonly because: string };

function stepFor(vm: Running, planning: Planning): Step | null {
  const { site } = planning;
  const seat = site.seat(vm.node);
  if (seat === undefined || !seat.node.alive) return null;
  const rules = site.rulesOf(vm);
  const broken = forbiddenOn(vm, seat, site);
  if (broken === null) {
    return rules === undefined ? null : goBack(vm, rules, planning);
  }
  const unit = unitWith(vm, rules, planning);
  const because = pinnedOf(unit);
  if (because !== null) return { kind: 'stuck', because: `${broken}; ${because}` };
  const placement = placeElsewhere(vm, unit, site);
  if (placement.kind === 'nowhere' || placement.node === vm.node) {
    return { kind: 'stuck', because: explainPlacement(placement) };
  }
  return moveOf(unit, rules, { to: placement.node, because: broken, isStrict: true });
}

/** To a node that its rule prefers to this one, if there is one that can take it. */
function goBack(vm: Running, rules: RulesOfVm, planning: Planning): Step | null {
  const preference = preferenceOf(rules, vm.node);
  if (rules.node?.failback !== true || vm.failback === false || preference === 0) return null;
  const unit = unitWith(vm, rules, planning);
  if (pinnedOf(unit) !== null) return null;
  const placement = placeElsewhere(vm, unit, planning.site);
  if (placement.kind === 'nowhere' || preferenceOf(rules, placement.node) >= preference) {
    return null;
  }
  const because = `${rules.node.id} prefers ${placement.node}`;
  return moveOf(unit, rules, { to: placement.node, because, isStrict: false });
}

/** Who of those that go together is not to be moved now, and why; null = all may be. */
function pinnedOf(unit: readonly Running[]): string | null {
  const pinned = unit.find((one) => one.pinned !== undefined);
  return pinned === undefined ? null : `${pinned.spec.name} stays: ${pinned.pinned ?? ''}`;
}

function moveOf(
  unit: readonly Running[],
  rules: RulesOfVm | undefined,
  rest: Pick<Move, 'to' | 'because' | 'isStrict'>,
): Step {
  const group = unit.length > 1 ? rules?.group?.name : undefined;
  return {
    kind: 'move',
    moves: unit.map((one) => ({
      ...rest,
      vm: one,
      from: one.node,
      cause: 'rules',
      ...(group === undefined ? {} : { unit: group }),
    })),
  };
}

/** Those that go with it: all of its group that are where most of the group is, if it is there too. */
function unitWith(
  vm: Running,
  rules: RulesOfVm | undefined,
  { site, byName, moved }: Planning,
): readonly Running[] {
  const group = rules?.group ?? null;
  if (group === null) return [vm];
  const bound = site.seatOfGroup(group, vm.spec.name);
  if (bound !== null && bound.node.id !== vm.node) return [vm];
  const others = group.vms.flatMap((name) => {
    const other = name === vm.spec.name ? undefined : byName.get(name);
    if (other === undefined || !isRunning(other) || moved.has(other)) return [];
    return other.node === vm.node ? [other] : [];
  });
  return [vm, ...others];
}

function placeElsewhere(vm: Running, unit: readonly Running[], site: Site): Placement {
  for (const one of unit) site.take(one, vm.node);
  for (const one of unit) site.expect({ vm: one, lostOn: null, anew: true });
  const placement = place({ vm, lostOn: null, anew: true }, site);
  for (const one of unit) site.settled(one);
  for (const one of unit) site.put(one, vm.node);
  return placement;
}
