import type { Draft } from '../decide/draft.ts';
import { lockedText, type LockKind } from '../model/vm-lock.ts';
import type { VmRecord } from '../model/vm.ts';
import { ok, problem, type Outcome, type Problem } from '../problem.ts';

/**
 * Locks a VM: until it is unlocked it is not started and not moved. What has begun is not called back by
 * it, so that a VM on its way is refused. The same lock of the same person again changes nothing.
 */
export function lockVm(
  draft: Draft,
  vm: VmRecord,
  {
    kind,
    by,
    reason,
  }: { readonly kind: LockKind; readonly by: string; readonly reason: string | null },
): Outcome<VmRecord> {
  if (vm.lock?.kind === kind && vm.lock.by === by) return ok(vm);
  const refused = cannotLock(vm);
  if (refused !== null) return problem(refused);
  const { nowWall: at } = draft.observations;
  const lock = { kind, by, at, reason, node: vm.permit?.node ?? null };
  // A move that has not begun is not wanted any more: what the lock is for counts on where it is.
  const locked: VmRecord = { ...vm, lock, move: null };
  draft.put(locked);
  draft.event({
    code: 'VM_LOCKED',
    severity: 'info',
    node: vm.permit?.node ?? null,
    vm: vm.id,
    text: `${vm.spec.name} is locked (${kind}): it is not started or moved until it is unlocked`,
  });
  return ok(locked);
}

/** Takes the lock away, whoever made it. Without effect where there is none. */
export function unlockVm(draft: Draft, vm: VmRecord): Outcome<VmRecord> {
  if (vm.lock == null) return ok(vm);
  const unlocked: VmRecord = { ...vm, lock: null, reason: vm.permit === null ? null : vm.reason };
  draft.put(unlocked);
  draft.event({
    code: 'VM_UNLOCKED',
    severity: 'info',
    node: vm.permit?.node ?? null,
    vm: vm.id,
    text: `${vm.spec.name} is unlocked; it was locked (${vm.lock.kind}) by ${vm.lock.by}`,
  });
  return ok(unlocked);
}

/** Why nothing that a lock forbids may be asked for; null = it may. */
export function lockedProblem(vm: VmRecord, what: string): Problem | null {
  if (vm.lock == null) return null;
  return {
    code: 'E_CONFLICT',
    what,
    because: lockedText(vm.lock),
    so: 'nothing was changed',
    // A lock that is for a call ends with its answer.
    try: [
      `kennel vm show ${vm.spec.name}`,
      ...(vm.lock.operation === undefined ? [`kennel vm unlock ${vm.spec.name}`] : []),
    ],
  };
}

function cannotLock(vm: VmRecord): Problem | null {
  const { name } = vm.spec;
  const what = `VM ${name} is not locked`;
  if (vm.lock != null) return lockedProblem(vm, what);
  const isMoving = vm.move !== null && (vm.move.migration !== null || vm.phase !== 'running');
  const steps = isMoving ? [`kennel vm migrate --cancel ${name}`] : [`kennel vm show ${name}`];
  const because = vm.deleting
    ? 'it is being deleted'
    : isMoving
      ? 'it is being moved'
      : vm.phase === 'starting' || vm.phase === 'recovering'
        ? `it is ${vm.phase}`
        : null;
  if (because === null) return null;
  return { code: 'E_CONFLICT', what, because, so: 'nothing was changed', try: steps };
}
