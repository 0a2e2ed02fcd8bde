import { token, type NodeId } from '../model/ids.ts';
import { isByPolicy, type VmMove } from '../model/move.ts';
import type { VmRecord } from '../model/vm.ts';
import { compareWaiting } from '../placement/batch.ts';
import { explainPlacement } from '../placement/explain-placement.ts';
import { place, type Placement } from '../placement/place.ts';
import { forbiddenOn, refusalDespiteNodeRules } from '../placement/refusal.ts';
import type { Seat, Site } from '../placement/site.ts';
import { disarmedNow } from './arming.ts';
import type { Draft } from './draft.ts';
import { awayAfter, isTriedAgain } from './evacuation.ts';
import { nextPermit, withRelease } from './operations.ts';
import { ownerOf } from './ownership.ts';
import { siteOf } from './site-of.ts';

/** How soon a move that cannot begin is looked at again, in ms. */
const retryMoveMs = 1000;
/** How long a wish to shut a guest down and start it elsewhere may be taken back, in ms. */
const secondThoughtMs = 1000;

/** Begins the moves that are wanted and whose turn it is, and forgets those that are fulfilled. */
export function decideMoves(draft: Draft): void {
  const waiting: { readonly vm: VmRecord; readonly move: VmMove }[] = [];
  for (const vm of draft.vms()) {
    const { move } = vm;
    if (move === null || move.migration !== null) continue;
    if (draft.isFull()) return;
    if (isFulfilled(vm, move)) draft.put({ ...vm, move: null });
    else if (isReady(draft, vm) && isDue(draft, vm, move)) waiting.push({ vm, move });
  }
  if (waiting.length === 0) return;
  waiting.sort((a, b) => compareWaiting(a.vm, b.vm));
  const site = siteOf(draft, new Set());
  const slots = slotsLeft(draft);
  for (const { vm, move } of waiting) {
    if (draft.isFull()) return;
    begin(draft, vm, move, { site, slots });
  }
}

/** It has another place by now, or there is nothing to move any more. */
function isFulfilled(vm: VmRecord, move: VmMove): boolean {
  if (vm.deleting || vm.desired !== 'running') return true;
  return vm.phase === 'running' && vm.permit !== null && vm.permit.node !== move.from;
}

/** It runs by its permit on a node that is heard, and nothing else is under way for it. */
function isReady(draft: Draft, vm: VmRecord): boolean {
  if (vm.phase !== 'running' || vm.operation !== null || vm.adopting) return false;
  if (vm.action != null || vm.lock != null) return false;
  const owner = ownerOf(vm, draft);
  if (owner.kind !== 'live' || owner.domain.kind !== 'present') return false;
  const { active, permit, state } = owner.domain.domain;
  return active && state === 'running' && permit?.token === vm.permit?.token;
}

/**
 * What nobody asked for waits while nothing is to begin by itself. A guest that was asked to shut down
 * cannot be asked not to, so that a person who thinks better of it at once, or disarms, is heard first.
 */
function isDue(draft: Draft, vm: VmRecord, move: VmMove): boolean {
  if (move.cause !== undefined && disarmedNow(draft) !== null) return false;
  if (move.cause === undefined && move.way === 'cold') {
    const { nowMs, vmMoveSinceMs } = draft.observations;
    const dueMs = (vmMoveSinceMs.get(vm.id) ?? nowMs) + secondThoughtMs;
    if (nowMs < dueMs) {
      draft.wakeAt(dueMs);
      return false;
    }
  }
  return isTriedAgain(draft, vm, move);
}

interface Room {
  readonly site: Site;
  readonly slots: Slots;
}

function begin(draft: Draft, vm: VmRecord, move: VmMove, { site, slots }: Room): void {
  const target = targetFor(vm, move, site);
  if (target.kind === 'nowhere') {
    // No policy waits: the next look finds what is best then.
    if (isByPolicy(move.cause)) draft.put({ ...vm, move: null });
    else if (move.cause === 'return' && move.to !== null) {
      returnsLater(draft, vm, { to: move.to, site, because: explainPlacement(target) });
    } else waits(draft, vm, explainPlacement(target));
    return;
  }
  const isCold = move.way === 'cold' || (move.way === 'liveOrCold' && move.failures > 0);
  if (isCold) {
    site.arrive(vm, target.node);
    const away = awayAfter(vm, target.node);
    draft.put({ ...withRelease(vm, false), home: target.node, away });
    tell(draft, vm, `is shut down to be started on ${target.node}`);
    return;
  }
  const full = slots.full(move.from, target.node);
  if (full !== null) {
    waits(draft, vm, full);
    return;
  }
  const node = draft.node(target.node);
  if (node?.incarnation == null) return;
  slots.take(move.from, target.node);
  site.arrive(vm, target.node);
  const permit = nextPermit(vm, node.id, node.incarnation);
  draft.put({
    ...vm,
    phase: 'migrating',
    lastToken: token(permit.token),
    reason: null,
    move: {
      ...move,
      migration: {
        phase: 'preparing',
        target: permit,
        because: null,
        withdrawn: false,
        sourceStands: false,
      },
    },
  });
  tell(draft, vm, `is migrated from ${move.from} to ${node.id}`);
}

/** A rule that came up since is lasting: what maintenance moved away then stays where it is, for good. */
function returnsLater(
  draft: Draft,
  vm: VmRecord,
  { to, site, because }: { readonly to: NodeId; readonly site: Site; readonly because: string },
): void {
  const seat = site.seat(to);
  const rule = seat === undefined ? 'its node is gone' : forbiddenOn(vm, seat, site);
  if (rule === null) {
    waits(draft, vm, because);
    return;
  }
  draft.put({ ...vm, move: null, away: undefined, reason: null });
  draft.event({
    code: 'VM_NOT_RETURNED',
    severity: 'info',
    node: vm.permit?.node ?? null,
    vm: vm.id,
    text: `${vm.spec.name} does not go back to ${to}: ${rule}`,
  });
}

function tell(draft: Draft, vm: VmRecord, what: string): void {
  draft.event({
    code: 'VM_MOVING',
    severity: 'info',
    node: vm.permit?.node ?? null,
    vm: vm.id,
    text: `${vm.spec.name} ${what}`,
  });
}

function waits(draft: Draft, vm: VmRecord, because: string): void {
  const reason = `waits to be moved: ${because}`;
  if (vm.reason !== reason) draft.put({ ...vm, reason });
  draft.wakeAt(draft.observations.nowMs + retryMoveMs);
}

/** Where it would go. Its own node is no choice, and a node that was named is the only one. */
export function targetFor(vm: VmRecord, move: VmMove, site: Site): Placement {
  const refuses = (id: NodeId): string | null => {
    if (id === move.from) return 'it is to leave there';
    return move.to === null || id === move.to ? null : 'not the node that was asked for';
  };
  if (vm.permit !== null) site.take(vm, vm.permit.node);
  const seat = move.to === null || move.despiteNodeRules !== true ? undefined : site.seat(move.to);
  const placement =
    seat === undefined
      ? place({ vm: { ...vm, home: null }, lostOn: null, anew: true, refuses }, site)
      : sentTo(vm, seat, site);
  if (vm.permit !== null) site.put(vm, vm.permit.node);
  return placement;
}

/** A person named the node, and the rules about nodes are not asked. */
function sentTo(vm: VmRecord, seat: Seat, site: Site): Placement {
  const { id: node } = seat.node;
  const because = refusalDespiteNodeRules([vm], seat, site);
  if (because !== null) return { kind: 'nowhere', refused: [{ node, because }] };
  return { kind: 'placed', node, because: 'rule', refused: [] };
}

/** Live migrations that may still begin: a node's links and the site's are not to be flooded. */
interface Slots {
  /** Why none may begin between the two; null = one may. */
  full(from: NodeId, to: NodeId): string | null;
  take(from: NodeId, to: NodeId): void;
}

function slotsLeft(draft: Draft): Slots {
  const { maxMigrations, maxMigrationsPerNode } = draft.state.settings;
  const byNode = new Map<NodeId, number>();
  let all = 0;
  const take = (from: NodeId, to: NodeId): void => {
    all += 1;
    for (const node of [from, to]) byNode.set(node, (byNode.get(node) ?? 0) + 1);
  };
  for (const { move } of draft.vms()) {
    if (move?.migration != null) take(move.from, move.migration.target.node);
  }
  return {
    take,
    full: (from, to) => {
      if (all >= maxMigrations) return `${all} migrations are under way`;
      const busy = [from, to].find((node) => (byNode.get(node) ?? 0) >= maxMigrationsPerNode);
      return busy === undefined ? null : `${byNode.get(busy)} migrations of ${busy} are under way`;
    },
  };
}
