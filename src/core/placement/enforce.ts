import { compareWaiting } from './batch.ts';
import { explainPlacement } from './explain-placement.ts';
import type { Move } from './moves.ts';
import { place, preferenceOf } from './place.ts';
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
 * by size; nothing moves that is well where it is, and nothing moves twice.
 */
export function planEnforcement(snapshot: SiteSnapshot): Enforcement {
  const site = siteOfSnapshot(snapshot);
  const moves: Move[] = [];
  const stuck: { vm: SnapshotVm; because: string }[] = [];
  for (const vm of [...snapshot.vms].sort(compareWaiting)) {
    if (vm.desired !== 'running' || vm.node === null || !site.rules.has(vm.spec.name)) continue;
    const step = stepFor(vm, site);
    if (step === null) continue;
    if (step.kind === 'stuck') {
      stuck.push({ vm, because: step.because });
      continue;
    }
    site.take(vm, vm.node);
    site.put(vm, step.move.to);
    moves.push(step.move);
  }
  return { moves, stuck };
}

type Step =
  | { readonly kind: 'move'; readonly move: Move }
  | { readonly kind: 'stuck'; readonly because: string };

function stepFor(vm: SnapshotVm, site: Site): Step | null {
  const seat = vm.node === null ? undefined : site.seat(vm.node);
  const rules = site.rulesOf(vm);
  if (seat === undefined || vm.node === null || rules === undefined || !seat.node.alive)
    return null;
  const broken = forbiddenOn(vm, seat, site);
  const preference = preferenceOf(rules, vm.node);
  if (broken === null && (preference === 0 || rules.node?.failback !== true)) return null;
  site.take(vm, vm.node);
  const placement = place({ vm, lostOn: null, anew: true }, site);
  site.put(vm, vm.node);
  if (placement.kind === 'nowhere' || placement.node === vm.node) {
    return broken === null ? null : { kind: 'stuck', because: explainPlacement(placement) };
  }
  if (broken === null && preferenceOf(rules, placement.node) >= preference) return null;
  const because = broken === null ? `${rules.node?.id ?? ''} prefers ${placement.node}` : broken;
  return {
    kind: 'move',
    move: { vm, from: vm.node, to: placement.node, because, isStrict: broken !== null },
  };
}
