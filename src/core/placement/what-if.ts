import type { NodeId } from '../model/ids.ts';
import { placeBatch, type Placed } from './batch.ts';
import type { Waiting } from './site-types.ts';
import { siteOfSnapshot, type SiteSnapshot, type SnapshotVm } from './snapshot.ts';

export interface PlannedVm extends Waiting {
  readonly vm: SnapshotVm;
}

/** What would become of VMs, in the order in which they would be started. */
export interface WhatIf {
  readonly placed: readonly Placed<PlannedVm>[];
  /** `LoadSpread.now()` with the VMs of `placed` left out, and with them where they would be. */
  readonly spread: { readonly before: number; readonly after: number };
}

/** Nodes are proven dead: what `decide` does with their VMs, and with those that wait already. */
export function whatIfNodesFail(snapshot: SiteSnapshot, lost: readonly NodeId[]): WhatIf {
  const dead = new Set(lost);
  const nodes = snapshot.nodes.map((node) =>
    dead.has(node.id) ? { ...node, closed: 'lost', alive: false } : node,
  );
  const isLost = (vm: SnapshotVm): boolean => vm.node !== null && dead.has(vm.node);
  const waits = (vm: SnapshotVm): boolean =>
    vm.desired === 'running' && (vm.node === null || isLost(vm));
  return plan({ ...snapshot, nodes }, waits, (vm) => ({
    vm,
    lostOn: isLost(vm) ? vm.node : null,
    anew: vm.node === null && snapshot.policy.rebalanceOnStart && vm.tries.failures === 0,
  }));
}

/** Nodes are emptied and live on. */
export function whatIfEvacuated(snapshot: SiteSnapshot, emptied: readonly NodeId[]): WhatIf {
  const leaving = new Set(emptied);
  const nodes = snapshot.nodes.map((node) =>
    leaving.has(node.id) ? { ...node, closed: 'to be evacuated' } : node,
  );
  const leaves = (vm: SnapshotVm): boolean => vm.node !== null && leaving.has(vm.node);
  return plan({ ...snapshot, nodes }, leaves, (vm) => ({ vm, lostOn: null, anew: true }));
}

/** Everything is off and starts: where each VM that should run would be. */
export function whatIfColdStart(snapshot: SiteSnapshot): WhatIf {
  const starts = (vm: SnapshotVm): boolean => vm.desired === 'running';
  return plan(snapshot, starts, (vm) => ({
    vm: { ...vm, home: vm.node ?? vm.home },
    lostOn: null,
    anew: snapshot.policy.rebalanceOnStart,
  }));
}

function plan(
  snapshot: SiteSnapshot,
  moves: (vm: SnapshotVm) => boolean,
  waitingOf: (vm: SnapshotVm) => PlannedVm,
): WhatIf {
  const site = siteOfSnapshot(snapshot, (vm) => !moves(vm));
  const before = site.load.now();
  const placed = placeBatch(site, snapshot.vms.filter(moves).map(waitingOf));
  return { placed, spread: { before, after: site.load.now() } };
}
