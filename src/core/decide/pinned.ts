import { defaultSelfMoves, type VmRecord } from '../model/vm.ts';
import { lockedText } from '../model/vm-lock.ts';
import type { Draft } from './draft.ts';
import { ownerOf } from './ownership.ts';

/** How long after a move that did not work out the next one is tried, in ms; doubles up to the cap. */
const backoffFirstMs = 60_000;
const backoffCapMs = 60 * 60_000;

/** Why rules and balance leave a VM where it is for now; null = they may move it. */
export function pinnedBecause(draft: Draft, vm: VmRecord): string | null {
  const { way } = vm.spec.selfMoves ?? defaultSelfMoves;
  if (way === 'never') return 'it is not to be moved unasked';
  if (vm.desired !== 'running' || vm.deleting || vm.adopting) return 'it is not simply to run';
  if (vm.phase !== 'running' || vm.operation !== null || vm.move !== null || vm.action != null) {
    return 'something is under way for it';
  }
  if (vm.lock != null) return lockedText(vm.lock);
  if (vm.strays.length > 0) return 'it may run elsewhere too';
  if (vm.spec.disks.some(({ source }) => source.kind === 'local')) {
    return 'it has a disk that only its node has';
  }
  const owner = ownerOf(vm, draft);
  if (owner.kind !== 'live' || owner.domain.kind !== 'present') return 'it is not seen to run';
  if (owner.domain.domain.state !== 'running') return `it is ${owner.domain.domain.state}`;
  const { nowMs } = draft.observations;
  const dueMs = (draft.observations.vmPhaseSinceMs.get(vm.id) ?? nowMs) + waitMs(draft, vm);
  return nowMs < dueMs ? 'it has not been where it is for long' : null;
}

/** Why uneven load is no reason to move this VM; null = it may be. */
export function staysPutBecause({ spec, away }: VmRecord): string | null {
  const { way } = spec.selfMoves ?? defaultSelfMoves;
  if (way === 'cold') return 'it would be shut down for it';
  return away === undefined ? null : `it is to go back to ${away.from}`;
}

/** How long it must have run where it is. */
function waitMs(draft: Draft, { moveFailures = 0 }: VmRecord): number {
  const { settleMs } = draft.state.settings.placement.selfMoves;
  if (moveFailures === 0) return settleMs;
  return Math.max(settleMs, Math.min(backoffCapMs, backoffFirstMs * 2 ** (moveFailures - 1)));
}
