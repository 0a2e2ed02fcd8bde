import { nodeId } from '../model/ids.ts';
import type { NodeEvacuation } from '../model/evacuation.ts';
import {
  defaultMigrationLimits,
  isByEvacuation,
  type MoveWay,
  type VmMove,
} from '../model/move.ts';
import type { NodeRecord } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import { lockedText } from '../model/vm-lock.ts';
import { disarmedNow, isLeftAlone } from './arming.ts';
import { closedBecause } from './closed-nodes.ts';
import type { Draft } from './draft.ts';
import { withdrawn } from './withdrawn.ts';

/** How soon the end of an evacuation's time is looked for again, in ms. */
const lookAgainMs = 1000;
/** Pause before a move that did not work out is tried again; doubles up to the cap, in ms. */
const retryFirstMs = 5000;
const retryCapMs = 60_000;

/**
 * Empties nodes and takes VMs back: wishes to move are made for what is to leave or to return, and taken
 * back when that is over. There is nothing else to remember, so that a leader may die at any instant.
 */
export function decideEvacuations(draft: Draft): void {
  for (const vm of draft.vms()) {
    if (draft.isFull()) return;
    if (vm.move !== null && isByEvacuation(vm.move.cause)) goOn(draft, vm, vm.move);
    else if (vm.move === null && disarmedNow(draft) === null) decideVm(draft, vm);
  }
}

function decideVm(draft: Draft, vm: VmRecord): void {
  const node = vm.permit === null ? undefined : draft.node(vm.permit.node);
  const evacuation = node === undefined ? null : underWay(draft, node);
  if (node !== undefined && evacuation !== null) {
    const way = wayOut(vm, evacuation);
    if (way === null || !mayMove(draft, vm) || staysBecause(draft, vm) !== null) return;
    const cause = evacuation.kind === 'drain' ? 'drain' : 'maintenance';
    draft.put({ ...vm, move: { ...noMove, from: node.id, to: null, way, cause } });
  } else if (vm.away !== undefined) {
    decideReturn(draft, vm, vm.away);
  }
}

/** It is called off when its reason is gone; while it waits it goes the way that is wanted by now. */
function goOn(draft: Draft, vm: VmRecord, move: VmMove): void {
  if (isPointless(draft, move)) {
    callOff(draft, vm, move);
    return;
  }
  const isWaiting = move.migration === null && vm.phase === 'running';
  if (move.cause === 'return' || !isWaiting) return;
  const evacuation = draft.node(move.from)?.evacuation;
  const way = evacuation === undefined ? null : wayOut(vm, evacuation);
  if (way !== null && way !== move.way) draft.put({ ...vm, move: { ...move, way } });
}

const noMove = { limits: defaultMigrationLimits, failures: 0, migration: null } as const;

/** The node's evacuation while VMs are moved by it; null = there is none, or its time is over. */
export function underWay(draft: Draft, { evacuation }: NodeRecord): NodeEvacuation | null {
  if (evacuation === undefined) return null;
  if (evacuation.deadline === null) return evacuation;
  if (draft.observations.nowWall >= evacuation.deadline) return null;
  draft.wakeAt(draft.observations.nowMs + lookAgainMs);
  return evacuation;
}

/** How the VM leaves; null = not at all, as its spec says. */
export function wayOut(
  { spec }: VmRecord,
  { stuck }: Pick<NodeEvacuation, 'stuck'>,
): MoveWay | null {
  switch (spec.onEvacuation) {
    case 'leave':
      return null;
    case 'restart':
      return 'cold';
    case 'migrate':
      return 'live';
    case undefined:
      return stuck === 'restart' ? 'liveOrCold' : 'live';
    default:
      return spec.onEvacuation satisfies never;
  }
}

/** Why no evacuation moves this VM, whatever room there is; null = it may be moved. */
export function staysBecause(draft: Draft, vm: VmRecord): string | null {
  if (isLeftAlone(draft, vm)) return 'it is left to people';
  if (vm.lock != null) return lockedText(vm.lock);
  if (vm.spec.onEvacuation === 'leave') return 'its spec says that it is left where it is';
  const isLocal = vm.spec.disks.some(({ source }) => source.kind === 'local');
  return isLocal ? 'it has a disk that only its node has' : null;
}

/** It runs, and is to. What is being started or stopped is looked at again when that is over. */
function mayMove(draft: Draft, vm: VmRecord): boolean {
  if (vm.deleting || vm.desired !== 'running' || isLeftAlone(draft, vm)) return false;
  if (vm.lock != null) return false;
  return vm.phase === 'running' && vm.operation === null && !vm.adopting;
}

function decideReturn(
  draft: Draft,
  vm: VmRecord,
  { from, way }: NonNullable<VmRecord['away']>,
): void {
  const node = draft.node(from);
  if (node === undefined || vm.permit?.node === from) {
    draft.put({ ...vm, away: undefined });
    return;
  }
  if (node.evacuation !== undefined || node.downtime !== undefined) return;
  if (vm.permit === null) {
    // It is off: it belongs there again, and there is nothing to move.
    draft.put({ ...vm, home: from, away: undefined });
    return;
  }
  if (!mayMove(draft, vm) || closedBecause(draft, node) !== null) return;
  const move: VmMove = { ...noMove, from: vm.permit.node, to: nodeId(from), way, cause: 'return' };
  draft.put({ ...vm, move });
}

/** What it was wanted for is over. */
function isPointless(draft: Draft, move: VmMove): boolean {
  if (move.cause === 'return') {
    const to = move.to === null ? undefined : draft.node(move.to);
    return to?.evacuation !== undefined || to?.downtime !== undefined;
  }
  const from = draft.node(move.from);
  return from === undefined || underWay(draft, from) === null;
}

/**
 * A copy under way is given up; what is handed over already stays there. A VM that was shut down to be
 * started elsewhere is started where it was, if nobody has got it yet.
 */
function callOff(draft: Draft, vm: VmRecord, move: VmMove): void {
  if (move.migration !== null) {
    if (move.migration.withdrawn) return;
    draft.put({ ...vm, move: withdrawn(move, 'what it was moved for is over') });
  } else if (vm.phase === 'running') {
    draft.put({ ...vm, move: null, reason: null });
  } else {
    draft.put({ ...vm, move: null, home: move.from, away: beforeCold(vm, move) });
  }
}

/** A cold move notes what follows from it when it begins. */
function beforeCold(vm: VmRecord, move: VmMove): VmRecord['away'] {
  if (move.cause === 'return' && move.to !== null) return { from: move.to, way: move.way };
  return vm.away?.from === move.from ? undefined : vm.away;
}

/** Where a VM has to go back to once it has left by its move. A place further away than the first counts not. */
export function awayAfter({ away, move }: VmRecord, to: string): VmRecord['away'] {
  if (move?.cause === undefined || move.cause === 'return') return undefined;
  const next = move.cause === 'maintenance' ? (away ?? { from: move.from, way: move.way }) : away;
  return next?.from === to ? undefined : next;
}

/** A move that nobody asked for and that failed is tried again after a while; false = it is too early. */
export function isTriedAgain(
  draft: Draft,
  vm: VmRecord,
  { cause, failures, way }: VmMove,
): boolean {
  if (cause === undefined || failures === 0 || way === 'liveOrCold') return true;
  const sinceMs = draft.observations.vmPhaseSinceMs.get(vm.id) ?? draft.observations.nowMs;
  const dueMs = sinceMs + Math.min(retryCapMs, retryFirstMs * 2 ** (failures - 1));
  if (draft.observations.nowMs < dueMs) draft.wakeAt(dueMs);
  return draft.observations.nowMs >= dueMs;
}
