import type { VmAction, VmActed } from '../model/vm-action.ts';
import type { VmSnapshot } from '../model/vm-snapshot.ts';
import type { VmRecord } from '../model/vm.ts';

/** The record once an action is over, however it ended: the lock that was for it goes too. */
export function afterAction(vm: VmRecord, action: VmAction, outcome: VmActed['outcome']): VmRecord {
  const isItsLock = vm.lock?.operation === action.operation;
  const ended: VmRecord = { ...vm, action: null, ...(isItsLock ? { lock: null } : {}) };
  if (action.snapshot === undefined || vm.snapshots === undefined) return ended;
  const { snapshot } = action;
  const snapshots = vm.snapshots.flatMap((one) =>
    one.name === snapshot ? (becomes(one, action, outcome) ?? []) : [one],
  );
  return { ...ended, snapshots };
}

/** Null: it is not there any more. */
function becomes(
  snapshot: VmSnapshot,
  { verb }: VmAction,
  outcome: VmActed['outcome'],
): VmSnapshot | null {
  switch (verb) {
    case 'snapshot':
      if (outcome === 'failed') return null;
      return { ...snapshot, state: outcome === 'done' ? 'ready' : 'unsure' };
    case 'deleteSnapshot':
      if (outcome === 'done') return null;
      return { ...snapshot, state: 'unsure' };
    case 'revert':
      return outcome === 'done' ? { ...snapshot, state: 'ready' } : snapshot;
    default:
      return snapshot;
  }
}

/**
 * Its owner stops its process and starts it anew from a snapshot, by the same permit: until that is
 * answered, a domain that is seen to be off has not ended by itself.
 */
export function isReverting(vm: VmRecord): boolean {
  return vm.action?.verb === 'revert';
}
