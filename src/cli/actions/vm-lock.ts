import type { VmView } from '../../api/schema/views.ts';
import type { LockKind } from '../../core/model/vm-lock.ts';
import type { Change } from '../change-options.ts';
import { runChange, type Goal } from '../change.ts';
import type { Call } from '../command.ts';
import { describeVm } from '../vm-goals.ts';
import { onValue } from '../wait-until.ts';

export async function lockVm(
  call: Call,
  vm: string,
  options: Change & { readonly kind: LockKind },
): Promise<number> {
  const { kind, reason } = options;
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.lockVm(vm, { kind, reason }, how),
    describe: (view, isDryRun) =>
      `vm ${view.name}: ${isDryRun ? 'would be locked' : 'is locked'} (${kind}); ${describeVm(view)}`,
    goal: whenLock(vm, true),
  });
}

export async function unlockVm(call: Call, vm: string, options: Change): Promise<number> {
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.unlockVm(vm, how),
    describe: (view, isDryRun) =>
      `vm ${view.name}: ${isDryRun ? 'would be unlocked' : 'is not locked'} (${describeVm(view)})`,
    goal: whenLock(vm, false),
  });
}

function whenLock(name: string, isLocked: boolean): Goal<VmView, VmView> {
  const what = isLocked ? 'locked' : 'not locked';
  return {
    what: `VM ${name} ${what}`,
    lookWith: `kennel vm show ${name}`,
    look: (client) => client.vm(name),
    judge: onValue((vm: VmView) =>
      (vm.lock !== null) === isLocked
        ? { kind: 'reached', value: vm }
        : { kind: 'pending', state: describeVm(vm) },
    ),
    reached: `vm ${name}: ${what}`,
  };
}
