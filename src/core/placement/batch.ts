import type { VmPriority } from '../model/vm.ts';
import { place, type Placement } from './place.ts';
import { needOf, refusalOf } from './refusal.ts';
import type { Seat, Site } from './site.ts';
import type { PlacementVm, Waiting } from './site-types.ts';

export interface Placed<W extends Waiting> {
  readonly waiting: W;
  readonly placement: Placement;
}

const rank: Readonly<Record<VmPriority, number>> = { high: 0, medium: 1, low: 2 };

/**
 * By priority, then the largest first; after those of its priority what is placed anew, in the order of
 * names, as if it were switched on one after the other.
 */
function compareInBatch(a: Waiting, b: Waiting): number {
  const byRank = rank[a.vm.spec.priority] - rank[b.vm.spec.priority];
  if (byRank !== 0) return byRank;
  if (a.anew !== b.anew) return a.anew ? 1 : -1;
  return a.anew ? compareNames(a.vm, b.vm) : compareWaiting(a.vm, b.vm);
}

function compareNames(a: PlacementVm, b: PlacementVm): number {
  return a.spec.name < b.spec.name ? -1 : 1;
}

/** By priority, then the largest first, then by name. */
export function compareWaiting(a: PlacementVm, b: PlacementVm): number {
  const byRank = rank[a.spec.priority] - rank[b.spec.priority];
  if (byRank !== 0) return byRank;
  if (a.spec.memoryMiB !== b.spec.memoryMiB) return b.spec.memoryMiB - a.spec.memoryMiB;
  return compareNames(a, b);
}

/**
 * Places VMs that wait, each seeing the choices before it, and leaves them counted in the site. A VM
 * that fits nowhere may have another one of the batch moved for it, when that one has another node.
 * Answers in the order in which they were placed.
 */
export function placeBatch<W extends Waiting>(
  site: Site,
  batch: readonly W[],
): readonly Placed<W>[] {
  const ordered = [...batch].sort(compareInBatch);
  for (const waiting of ordered) site.expect(waiting);
  const placed: Placed<W>[] = [];
  const on = new Map<Seat, number[]>();
  const note = (index: number, waiting: W, placement: Placement): void => {
    placed[index] = { waiting, placement };
    if (placement.kind === 'nowhere') return;
    const seat = site.seat(placement.node);
    if (seat === undefined) return;
    site.put(waiting.vm, placement.node);
    const mates = on.get(seat) ?? [];
    mates.push(index);
    on.set(seat, mates);
  };
  for (const [index, waiting] of ordered.entries()) {
    site.settled(waiting.vm);
    const placement = place(waiting, site);
    if (placement.kind === 'placed') {
      note(index, waiting, placement);
      continue;
    }
    const swap = findSwap(waiting, site, placed, on);
    if (swap === null) {
      note(index, waiting, placement);
      continue;
    }
    const mate = placed[swap.mate];
    if (mate === undefined) continue;
    // `findSwap` left the mate taken out.
    on.set(
      swap.seat,
      (on.get(swap.seat) ?? []).filter((one) => one !== swap.mate),
    );
    note(index, waiting, {
      kind: 'placed',
      node: swap.seat.node.id,
      because: 'even',
      refused: placement.refused.filter((one) => one.node !== swap.seat.node.id),
    });
    const elsewhere = place(mate.waiting, site);
    const madeRoomFor = waiting.vm.spec.name;
    note(
      swap.mate,
      mate.waiting,
      elsewhere.kind === 'placed' ? { ...elsewhere, madeRoomFor } : elsewhere,
    );
  }
  return placed;
}

/** Others of the batch that are looked at for one VM: a full site has thousands of hopeless ones. */
const maxMates = 64;

interface Swap {
  readonly seat: Seat;
  readonly mate: number;
}

/**
 * A node that could take the VM if one other of the batch left it, and that other has another node.
 * The first by node and by order of the batch. The mate of the answer is taken out of the site.
 */
function findSwap(
  waiting: Waiting,
  site: Site,
  placed: readonly Placed<Waiting>[],
  on: ReadonlyMap<Seat, readonly number[]>,
): Swap | null {
  const need = needOf([waiting.vm]);
  let left = maxMates;
  for (const seat of site.seats) {
    if (seat.node.closed !== null) continue;
    for (const mate of on.get(seat) ?? []) {
      const other = placed[mate];
      if (other === undefined) continue;
      if (left === 0) return null;
      left -= 1;
      site.take(other.waiting.vm, seat.node.id);
      if (refusalOf(waiting.vm, seat, site, need) === null) {
        site.put(waiting.vm, seat.node.id);
        const elsewhere = place(other.waiting, site);
        site.take(waiting.vm, seat.node.id);
        if (elsewhere.kind === 'placed') return { seat, mate };
      }
      site.put(other.waiting.vm, seat.node.id);
    }
  }
  return null;
}
