import { endsWithNode, lockedText } from '../model/vm-lock.ts';
import type { VmRecord } from '../model/vm.ts';
import type { Draft } from './draft.ts';

/**
 * The record without a lock that died with the VM's owner, which is proven dead: what it stood for ran
 * there. Other locks stay, whoever is dead. Null = it is not locked like that.
 */
export function withoutDeadLock(draft: Draft, vm: VmRecord): VmRecord | null {
  const { lock, permit } = vm;
  if (lock == null || permit === null || lock.node !== permit.node) return null;
  if (!endsWithNode(lock.kind)) return null;
  draft.event({
    code: 'VM_UNLOCKED',
    severity: 'warning',
    node: permit.node,
    vm: vm.id,
    text: `${vm.spec.name} is unlocked: ${lockedText(lock)}, and ${permit.node} is proven dead`,
  });
  return { ...vm, lock: null };
}
