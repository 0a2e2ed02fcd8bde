import type { VmDependency, OrderWait } from '../model/order.ts';
import type { VmId } from '../model/ids.ts';
import type { VmRecord } from '../model/vm.ts';
import type { Draft } from '../decide/draft.ts';
import { gateText, isOpen } from './gates.ts';

/** How soon an awaited VM is looked at again, in ms. Most changes of it are decided on at once. */
const lookAgainMs = 1000;

/**
 * True while a VM that could start waits for others; then its record says for whom. It waits for each no
 * longer than that one's time, unless it is to hold. A VM that was deleted is waited for no more.
 */
export function waitsForOthers(draft: Draft, vm: VmRecord): boolean {
  const { after } = vm.spec;
  if (after === undefined || after.length === 0 || vm.wait?.overruled === true) return false;
  const closed = after.filter((one) => isClosed(draft, one));
  if (closed.length === 0) return false;
  const overdue = closed.filter((one) => isOverdue(draft, vm, one));
  noteOverdue(draft, vm, overdue);
  const awaited = closed.filter((one) => one.onTimeout === 'hold' || !overdue.includes(one));
  const wait: OrderWait = {
    since: vm.wait?.since ?? draft.observations.nowWall,
    overdue: overdue.map((one) => one.vm),
  };
  const reason = awaited.length === 0 ? vm.reason : waitText(awaited, overdue);
  const isSame = vm.reason === reason && vm.wait?.overdue.join() === wait.overdue.join();
  if (!isSame || vm.wait == null) draft.put({ ...vm, reason, wait });
  if (awaited.length > 0) draft.wakeAt(draft.observations.nowMs + lookAgainMs);
  return awaited.length > 0;
}

/** Names do not change within a decision. */
const known = new WeakMap<Draft, ReadonlyMap<string, VmId>>();

function idsByName(draft: Draft): ReadonlyMap<string, VmId> {
  const names =
    known.get(draft) ?? new Map([...draft.state.vms.values()].map((vm) => [vm.spec.name, vm.id]));
  known.set(draft, names);
  return names;
}

function isClosed(draft: Draft, { vm: name, gate }: VmDependency): boolean {
  const id = idsByName(draft).get(name);
  const other = id === undefined ? undefined : draft.vm(id);
  return other !== undefined && !other.deleting && !isOpen(draft, other, gate);
}

/** By when this leader first knew that it waits: each counts only what it saw itself. */
function isOverdue(draft: Draft, vm: VmRecord, { timeoutMs }: VmDependency): boolean {
  if (vm.wait == null) return false;
  const { nowMs, vmWaitSinceMs } = draft.observations;
  const dueMs = (vmWaitSinceMs.get(vm.id) ?? nowMs) + timeoutMs;
  if (nowMs < dueMs) draft.wakeAt(dueMs);
  return nowMs >= dueMs;
}

function noteOverdue(draft: Draft, vm: VmRecord, overdue: readonly VmDependency[]): void {
  for (const { vm: name, gate, timeoutMs, onTimeout } of overdue) {
    if (vm.wait?.overdue.includes(name) === true) continue;
    const holds = onTimeout === 'hold';
    draft.event({
      code: holds ? 'VM_ORDER_HELD' : 'VM_ORDER_TIMEOUT',
      severity: holds ? 'critical' : 'warning',
      node: null,
      vm: vm.id,
      text: `${vm.spec.name} waited ${timeoutMs / 1000} s in vain (${gateText(name, gate)}): it ${holds ? 'waits on' : 'starts without'}`,
    });
  }
}

function waitText(awaited: readonly VmDependency[], overdue: readonly VmDependency[]): string {
  const parts = awaited.map((one) => {
    const text = gateText(one.vm, one.gate);
    if (overdue.includes(one)) return `${text} (held: its ${one.timeoutMs / 1000} s are over)`;
    const then = one.onTimeout === 'hold' ? 'then it is held' : 'then without';
    return `${text} (at most ${one.timeoutMs / 1000} s, ${then})`;
  });
  return `waits until ${parts.join('; ')}`;
}
