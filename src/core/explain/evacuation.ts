import type { Draft } from '../decide/draft.ts';
import { isEmptied } from '../decide/downtime.ts';
import { staysBecause, underWay, wayOut } from '../decide/evacuation.ts';
import { ownerOf } from '../decide/ownership.ts';
import { snapshotOf } from '../decide/site-of.ts';
import type { NodeEvacuation } from '../model/evacuation.ts';
import type { NodeId, VmId } from '../model/ids.ts';
import type { MoveWay } from '../model/move.ts';
import type { NodeRecord } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import { explainPlacement } from '../placement/explain-placement.ts';
import type { Placement } from '../placement/place.ts';
import { whatIfEvacuated } from '../placement/what-if.ts';

/** Speed at which memory is taken to be copied where nothing was measured, in MiB/s: a 10 Gbit/s link. */
const assumedMiBs = 1000;

/** One VM that is still on a node that is emptied. */
export interface EvacuationStep {
  readonly vm: VmId;
  readonly name: string;
  /** Null = it is not moved. */
  readonly way: MoveWay | null;
  /** Where it goes by now, or would; null = nowhere. */
  readonly to: NodeId | null;
  readonly state: 'waits' | 'moving' | 'stays';
  /** Why it is still there. */
  readonly because: string;
  readonly memoryMiB: number;
  /** How long its copy is taken to last, in ms; null = that is up to its guest. */
  readonly estimateMs: number | null;
}

export interface EvacuationProgress {
  readonly state: 'emptying' | 'empty' | 'overdue';
  readonly steps: readonly EvacuationStep[];
  /** Of all copies, as many at a time as may be under way; in ms. */
  readonly estimateMs: number;
  /** VMs that return to the node when its evacuation is over. */
  readonly returning: readonly {
    readonly vm: VmId;
    readonly name: string;
    readonly now: NodeId | null;
  }[];
}

/** What is left to be done for an empty node, for each VM why it is there, and what comes back later. */
export function evacuationProgress(draft: Draft, node: NodeRecord): EvacuationProgress {
  const { evacuation } = node;
  const there = draft.vms().filter((vm) => vm.permit?.node === node.id);
  const places = placesFor(draft, node.id);
  const steps =
    evacuation === undefined
      ? []
      : there.map((vm) => stepOf(draft, vm, { evacuation, node, place: places.get(vm.id) }));
  const copies = steps.reduce((sum, step) => sum + (step.estimateMs ?? 0), 0);
  const returning = draft
    .vms()
    .filter((vm) => vm.away?.from === node.id)
    .map((vm) => ({ vm: vm.id, name: vm.spec.name, now: vm.permit?.node ?? vm.home }));
  return {
    state: stateOf(draft, node),
    steps,
    estimateMs: Math.round(copies / draft.settings().maxMigrationsPerNode),
    returning,
  };
}

function stateOf(draft: Draft, node: NodeRecord): EvacuationProgress['state'] {
  if (isEmptied(draft, node)) return 'empty';
  return node.evacuation !== undefined && underWay(draft, node) === null ? 'overdue' : 'emptying';
}

function placesFor(draft: Draft, node: NodeId): ReadonlyMap<VmId, Placement> {
  const { placed } = whatIfEvacuated(snapshotOf(draft), [node]);
  return new Map(placed.map(({ waiting, placement }) => [waiting.vm.id, placement]));
}

interface StepInput {
  readonly evacuation: NodeEvacuation;
  readonly node: NodeRecord;
  readonly place: Placement | undefined;
}

function stepOf(
  draft: Draft,
  vm: VmRecord,
  { evacuation, node, place }: StepInput,
): EvacuationStep {
  const base = { vm: vm.id, name: vm.spec.name, memoryMiB: vm.spec.memoryMiB };
  const way = wayOut(vm, evacuation);
  const stays = staysBecause(draft, vm);
  if (way === null || stays !== null) {
    const because = stays ?? 'its spec says so';
    return { ...base, way: null, to: null, state: 'stays', because, estimateMs: null };
  }
  const migration = vm.move?.migration ?? null;
  if (migration !== null) {
    const to = migration.target.node;
    const because = `its migration is ${migration.phase}`;
    return { ...base, way, to, state: 'moving', because, estimateMs: copyMs(vm) };
  }
  const to = place?.kind === 'placed' ? place.node : null;
  const estimateMs = way === 'cold' ? null : copyMs(vm);
  if (vm.move !== null && vm.phase !== 'running') {
    const because = `it is ${vm.phase}, to be started on ${vm.home ?? 'another node'}`;
    return { ...base, way: 'cold', to: vm.home, state: 'moving', because, estimateMs: null };
  }
  const because = waitsBecause(draft, vm, { evacuation, node, place });
  return { ...base, way, to, state: 'waits', because, estimateMs };
}

function waitsBecause(draft: Draft, vm: VmRecord, { node, place }: StepInput): string {
  const { disarmed } = draft.arming();
  if (node.evacuation !== undefined && underWay(draft, node) === null) {
    return 'the time for it is over';
  }
  if (disarmed !== null) return 'the cluster is disarmed';
  if (node.phase !== 'online' && node.phase !== 'quarantined') return `its node is ${node.phase}`;
  if (vm.phase !== 'running') return `it is ${vm.phase}`;
  if (vm.action != null) return `${vm.action.verb} was asked of it and is not answered yet`;
  const guest = guestStands(draft, vm);
  if (guest !== null) return guest;
  if (place?.kind === 'nowhere') return explainPlacement(place);
  return vm.reason ?? 'it is next';
}

/** A guest that stands still, as a person or a full disk made it, is moved once it goes on. */
function guestStands(draft: Draft, vm: VmRecord): string | null {
  const owner = ownerOf(vm, draft);
  if (owner.kind !== 'live' || owner.domain.kind !== 'present') return null;
  const { active, state, reason } = owner.domain.domain;
  if (!active || state === 'running') return null;
  return `its guest does not run: ${state} (${reason})`;
}

function copyMs({ spec }: VmRecord): number {
  return Math.round((spec.memoryMiB / assumedMiBs) * 1000);
}
