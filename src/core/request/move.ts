import type { Draft } from '../decide/draft.ts';
import { companionsOn } from '../decide/groups.ts';
import { targetFor } from '../decide/moves.ts';
import { siteOf } from '../decide/site-of.ts';
import { withdrawn } from '../decide/withdrawn.ts';
import type { NodeId } from '../model/ids.ts';
import type { MigrationLimits, MoveWay, VmMove } from '../model/move.ts';
import type { VmRecord } from '../model/vm.ts';
import { explainPlacement } from '../placement/explain-placement.ts';
import { lockedProblem } from './lock.ts';
import { ok, problem, type Outcome, type Problem } from '../problem.ts';

export interface MoveWish {
  /** Null = Kennel chooses, when its turn comes. */
  readonly to: NodeId | null;
  readonly way: MoveWay;
  readonly limits: MigrationLimits;
  /** See `VmMove`. */
  readonly despiteNodeRules?: boolean | undefined;
}

/**
 * Wants a running VM on another node. What can be known to stand against it now is said now; what comes
 * up later is said in the VM's reason. A VM that is off gets another home, and there is nothing to move.
 */
export function moveVm(draft: Draft, vm: VmRecord, wish: MoveWish): Outcome<VmRecord> {
  const refused = cannotMove(draft, vm, wish);
  if (refused !== null) return problem(refused);
  if (vm.permit === null) {
    const home = wish.to ?? vm.home;
    const rehomed = { ...vm, home };
    draft.put(rehomed);
    return ok(rehomed);
  }
  const move: VmMove = { ...wish, from: vm.permit.node, failures: 0, migration: null };
  for (const other of companionsOf(draft, vm)) draft.put({ ...other, move, away: undefined });
  const moved = { ...vm, move, away: undefined };
  draft.put(moved);
  draft.event({
    code: 'VM_MOVE_ASKED',
    severity: 'info',
    node: vm.permit.node,
    vm: vm.id,
    text: `${vm.spec.name} is to leave ${vm.permit.node}${wish.to === null ? '' : ` for ${wish.to}`}`,
  });
  return ok(moved);
}

function cannotMove(draft: Draft, vm: VmRecord, wish: MoveWish): Problem | null {
  const { name } = vm.spec;
  const { to, way } = wish;
  if (to !== null && draft.node(to) === undefined) {
    return refusal(vm, 'E_NOT_FOUND', `there is no node ${to}`, ['kennel node ls']);
  }
  if (vm.desired === 'ignored') {
    return refusal(vm, 'E_CONFLICT', 'it is ignored, so it is left where it is', [
      `kennel vm start ${name}`,
    ]);
  }
  const locked = lockedProblem(vm, `VM ${name} is not moved`);
  if (locked !== null) return locked;
  if (vm.phase === 'migrating') {
    const target = vm.move?.migration?.target.node ?? 'another node';
    return refusal(vm, 'E_CONFLICT', `it is being migrated to ${target}`, [
      `kennel vm migrate --cancel ${name}`,
    ]);
  }
  if (vm.permit === null) return null;
  if (vm.phase !== 'running' || vm.desired !== 'running') {
    return refusal(vm, 'E_CONFLICT', `it is ${vm.phase}, and only what runs can be moved`, [
      `kennel vm show ${name}`,
    ]);
  }
  if (to === vm.permit.node) {
    return refusal(vm, 'E_CONFLICT', `it runs on ${to} already`, [`kennel vm show ${name}`]);
  }
  const local = vm.spec.disks.find(({ source }) => source.kind === 'local');
  if (local !== undefined) {
    return refusal(vm, 'E_CONFLICT', 'it has a disk that only its node has', [
      `kennel vm show ${name}`,
    ]);
  }
  const companions = companionsOf(draft, vm);
  for (const one of companions) {
    const because = lockedProblem(one, `VM ${name} is not moved: ${one.spec.name} goes with it`);
    if (because !== null) return because;
  }
  const move: VmMove = { ...wish, from: vm.permit.node, failures: 0, migration: null };
  const site = siteOf(draft, new Set());
  for (const one of [vm, ...companions]) site.leave(one);
  const target = targetFor(vm, move, site);
  // Live or cold, it is not taken from where it runs before there is a place for it.
  if (target.kind === 'placed' || (way !== 'cold' && to === null)) return null;
  return refusal(vm, 'E_CONFLICT', explainPlacement(target), ['kennel node ls']);
}

/** What must share a node with it goes with it. */
function companionsOf(draft: Draft, vm: VmRecord): readonly VmRecord[] {
  if (vm.permit === null || draft.state.rules.size === 0) return [];
  const group = siteOf(draft, new Set()).rulesOf(vm)?.group ?? null;
  return group === null ? [] : companionsOn(draft, vm, group, vm.permit.node);
}

/** Takes the wish back. A copy that is under way is stopped; once it is handed over it stays there. */
export function cancelMove(draft: Draft, vm: VmRecord): Outcome<VmRecord> {
  const { move } = vm;
  const isCold = move !== null && vm.phase !== 'running' && vm.phase !== 'migrating';
  if (move === null || isCold) {
    const because = isCold ? 'it is on its way already' : 'it is not being moved';
    return problem(refusal(vm, 'E_CONFLICT', because, [`kennel vm show ${vm.spec.name}`]));
  }
  if (move.cause === 'drain' || move.cause === 'maintenance') {
    return problem(
      refusal(vm, 'E_CONFLICT', `${move.from} is being emptied`, [
        `kennel node uncordon ${move.from}`,
        `kennel node maintenance exit ${move.from}`,
      ]),
    );
  }
  // One that was to return stays for good.
  const stays: VmRecord = { ...vm, away: undefined };
  const next: VmRecord =
    move.migration === null
      ? { ...stays, move: null, reason: null }
      : { ...stays, move: withdrawn(move) };
  draft.put(next);
  return ok(next);
}

function refusal(
  vm: VmRecord,
  code: Problem['code'],
  because: string,
  steps: readonly string[],
): Problem {
  return {
    code,
    what: `VM ${vm.spec.name} is not moved`,
    because,
    so: 'it stays where it is',
    try: steps,
  };
}
