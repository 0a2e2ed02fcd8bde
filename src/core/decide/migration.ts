import { token } from '../model/ids.ts';
import { isByEvacuation, isByPolicy, type VmMigration, type VmMove } from '../model/move.ts';
import type { VmRecord } from '../model/vm.ts';
import type { CommandOutcome } from '../observations.ts';
import type { Draft } from './draft.ts';
import { isLeaving } from './downtime.ts';
import { awayAfter } from './evacuation.ts';
import { migrationOperation } from './migration-commands.ts';
import { nextPermit, withRelease, withResume } from './operations.ts';
import { ownerOf, standingOf } from './ownership.ts';
import { failedOnce, noFailedMoves } from './policy-moves.ts';

/** How long a target may take to answer, in ms. */
const prepareMs = 30_000;
/** From the intent on: a source that has the VM no more, and has not said why, is asked after it, in ms. */
const answerMs = 20_000;

type Outcome = CommandOutcome | null;

/**
 * One step of a live migration. Who owns the VM is never in doubt: its source until the hand-over is
 * committed, its target from then on, and the target's copy is woken on the strength of that commit
 * alone. So nothing here rests on what libvirt does when an answer between two nodes is lost.
 *
 * The hand-over needs the source's word that the VM is gone from it by this migration. Without it, as
 * when the source died, nobody knows whether its guest ran on after the copy was made, and the copy is
 * dropped: memory that is older than the disk is worse than a restart.
 */
export function decideMigration(
  draft: Draft,
  vm: VmRecord,
  move: VmMove,
  migration: VmMigration,
): void {
  switch (migration.phase) {
    case 'preparing':
      decidePreparing(draft, vm, move, migration);
      break;
    case 'moving':
      decideMoving(draft, vm, move, migration);
      break;
    case 'cancelling':
      decideCancelling(draft, vm, move, migration);
      break;
    case 'ending':
      decideEnding(draft, vm, move, migration);
      break;
    default:
      migration.phase satisfies never;
  }
}

/** Why it is not to go on, whatever the answers; null = it may. */
function calledOff(draft: Draft, vm: VmRecord, migration: VmMigration): string | null {
  if (migration.because !== null) return migration.because;
  if (vm.desired !== 'running' || vm.deleting) return 'it is not to run any more';
  const target = standingOf(draft, vm, migration.target);
  if (target.kind === 'dead') return `${migration.target.node} is proven dead`;
  if (isLeft(draft, vm, migration)) return `${migration.target.node} is emptied too`;
  return null;
}

/** It would have to leave its new node at once; a person may want it there all the same. */
function isLeft(draft: Draft, { move }: VmRecord, { target }: VmMigration): boolean {
  const node = draft.node(target.node);
  if (node === undefined || move?.cause === undefined) return false;
  return isLeaving(node) || node.evacuation !== undefined;
}

function decidePreparing(draft: Draft, vm: VmRecord, move: VmMove, migration: VmMigration): void {
  const { node } = migration.target;
  const source = ownerOf(vm, draft);
  const off = calledOff(draft, vm, migration);
  const outcome = answerTo(draft, vm, migration);
  if (source.kind !== 'live') {
    stays(draft, vm, move, { because: 'its node is not heard', isFailure: false });
  } else if (off !== null) {
    stays(draft, vm, move, { because: off, isFailure: !migration.withdrawn });
  } else if (outcome?.kind === 'done') {
    draft.put(withPhase(vm, move, migration, 'moving'));
  } else if (outcome !== null) {
    stays(draft, vm, move, { because: `${node} cannot take it: ${textOf(outcome)}` });
  } else if (isOver(draft, vm, prepareMs)) {
    stays(draft, vm, move, { because: `${node} did not answer` });
  }
}

function decideMoving(draft: Draft, vm: VmRecord, move: VmMove, migration: VmMigration): void {
  const source = ownerOf(vm, draft);
  if (source.kind === 'dead') {
    end(draft, vm, move, { ...migration, because: `${source.fence.node} is proven dead` });
    return;
  }
  const outcome = answerTo(draft, vm, migration);
  if (outcome?.kind === 'done') {
    handOver(draft, vm, migration);
    return;
  }
  if (outcome?.kind === 'failed') {
    const sourceStands = outcome.code === 'leftPaused';
    end(draft, vm, move, { ...migration, sourceStands, because: textOf(outcome) });
    return;
  }
  const late = isOver(draft, vm, move.limits.deadlineMs)
    ? `it took longer than ${Math.round(move.limits.deadlineMs / 1000)} s`
    : silentlyGone(draft, vm);
  // A refusal does nothing, but the same command may come again: the token is burnt first.
  const because = calledOff(draft, vm, migration) ?? (outcome === null ? late : textOf(outcome));
  if (because === null) return;
  draft.put(withPhase(vm, move, { ...migration, because }, 'cancelling'));
}

function decideCancelling(draft: Draft, vm: VmRecord, move: VmMove, migration: VmMigration): void {
  if (ownerOf(vm, draft).kind === 'dead') {
    end(draft, vm, move, migration);
    return;
  }
  const outcome = answerTo(draft, vm, migration);
  if (outcome?.kind === 'done') end(draft, vm, move, migration);
  if (outcome?.kind !== 'failed') return;
  if (outcome.code === 'migrated') handOver(draft, vm, migration);
  else end(draft, vm, move, { ...migration, sourceStands: outcome.code === 'leftPaused' });
}

function decideEnding(draft: Draft, vm: VmRecord, move: VmMove, migration: VmMigration): void {
  const isGone = answerTo(draft, vm, migration)?.kind === 'done';
  if (!isGone && standingOf(draft, vm, migration.target).kind !== 'dead') return;
  const because = migration.because ?? 'it ended';
  const isFailure = !migration.withdrawn;
  if (ownerOf(vm, draft).kind !== 'dead' && migration.sourceStands) {
    // Its guest stood still at the switch-over, and whether the copy ran meanwhile is not known.
    draft.put({ ...withRelease(vm, true), move: null, reason: because });
    tellFailed(draft, vm, migration, because);
    return;
  }
  stays(draft, vm, move, { because, isFailure });
}

/**
 * The guest has left its source, or ended there, and the word of it was lost: it stands still until
 * somebody asks. Null = the source has it, or may still be about to answer.
 */
function silentlyGone(draft: Draft, vm: VmRecord): string | null {
  const source = ownerOf(vm, draft);
  if (source.kind !== 'live' || source.domain.kind === 'unknown') return null;
  if (source.domain.kind === 'present' && source.domain.domain.active) return null;
  const isDue = isOver(draft, vm, answerMs);
  return isDue ? 'its source has it no more, and did not say why' : null;
}

/** The source gave the VM away: from this commit on the target may wake it. */
function handOver(draft: Draft, vm: VmRecord, { target }: VmMigration): void {
  const incarnation = draft.node(target.node)?.incarnation;
  // An agent that restarted on either side got a newer token meanwhile.
  const isLatest = vm.lastToken === target.token;
  // Nobody may be there any more; its token is a new one all the same, or the next owner's would not be.
  const permit = isLatest
    ? target
    : incarnation == null
      ? { ...target, token: token(vm.lastToken + 1) }
      : nextPermit(vm, target.node, incarnation);
  const away = awayAfter(vm, target.node);
  draft.put({
    ...withResume(vm, permit, target.token),
    move: null,
    reason: null,
    away,
    ...noFailedMoves,
  });
}

/** The copy is to go; the source is what it was. */
function end(draft: Draft, vm: VmRecord, move: VmMove, migration: VmMigration): void {
  draft.put(withPhase(vm, move, migration, 'ending'));
}

/** Nothing of the copy is left. The VM is its source's alone, and the next try is decided anew. */
function stays(
  draft: Draft,
  vm: VmRecord,
  move: VmMove,
  { because, isFailure = true }: { readonly because: string; readonly isFailure?: boolean },
): void {
  const failures = move.failures + (isFailure ? 1 : 0);
  const isWanted = move.way === 'liveOrCold' || isByEvacuation(move.cause);
  const goesOn = isWanted && move.migration?.withdrawn !== true;
  draft.put({
    ...vm,
    phase: 'running',
    move: goesOn ? { ...move, failures, migration: null } : null,
    reason: isFailure ? `not migrated: ${because}` : vm.reason,
    ...(isFailure && isByPolicy(move.cause) ? failedOnce(vm) : {}),
  });
  if (move.migration !== null) tellFailed(draft, vm, move.migration, because);
}

function tellFailed(draft: Draft, vm: VmRecord, migration: VmMigration, because: string): void {
  draft.event({
    code: migration.withdrawn ? 'VM_MIGRATION_CANCELLED' : 'VM_MIGRATION_FAILED',
    severity: migration.withdrawn ? 'info' : 'warning',
    node: vm.permit?.node ?? null,
    vm: vm.id,
    text: `${vm.spec.name} is not migrated to ${migration.target.node}: ${because}`,
  });
}

function withPhase(
  vm: VmRecord,
  move: VmMove,
  migration: VmMigration,
  phase: VmMigration['phase'],
): VmRecord {
  return { ...vm, move: { ...move, migration: { ...migration, phase } } };
}

function answerTo(draft: Draft, vm: VmRecord, migration: VmMigration): Outcome {
  const id = migrationOperation(vm, migration);
  return draft.observations.commands.get(id)?.outcome ?? null;
}

function isOver(draft: Draft, vm: VmRecord, ms: number): boolean {
  const { nowMs, vmPhaseSinceMs } = draft.observations;
  const dueMs = (vmPhaseSinceMs.get(vm.id) ?? nowMs) + ms;
  if (nowMs < dueMs) draft.wakeAt(dueMs);
  return nowMs >= dueMs;
}

function textOf(outcome: CommandOutcome): string {
  switch (outcome.kind) {
    case 'done':
      return 'done';
    case 'refused':
      return `${outcome.because}: ${outcome.detail}`;
    case 'failed':
      return `${outcome.code}: ${outcome.detail}`;
    case 'ambiguous':
      return outcome.detail;
    default:
      return outcome satisfies never;
  }
}
