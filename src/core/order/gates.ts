import { checkKey, checkText } from '../model/guest.ts';
import type { Gate } from '../model/order.ts';
import type { VmRecord } from '../model/vm.ts';
import type { Draft } from '../decide/draft.ts';
import { ownerOf } from '../decide/ownership.ts';

/** What is awaited of a VM, in words. */
export function gateText(name: string, gate: Gate): string {
  switch (gate.kind) {
    case 'running':
      return `${name} runs`;
    case 'delay':
      return `${name} has been running for ${gate.ms / 1000} s`;
    case 'agent':
    case 'tcp':
    case 'http':
      return `${name}: ${checkText(gate)}`;
    default:
      return gate satisfies never;
  }
}

/**
 * Whether a VM is ready by a gate: by what its owner, which is heard now, reports of the very start in
 * the record. For a delay that goes on, the decision is made again when it ends.
 */
export function isOpen(draft: Draft, vm: VmRecord, gate: Gate): boolean {
  if (vm.phase !== 'running' && vm.phase !== 'migrating') return false;
  const owner = ownerOf(vm, draft);
  if (owner.kind !== 'live' || owner.domain.kind !== 'present') return false;
  const { active, state, permit, checks } = owner.domain.domain;
  if (!active || state !== 'running' || permit?.token !== vm.permit?.token) return false;
  switch (gate.kind) {
    case 'running':
      return true;
    case 'delay': {
      const { nowMs, vmPhaseSinceMs } = draft.observations;
      const dueMs = (vmPhaseSinceMs.get(vm.id) ?? nowMs) + gate.ms;
      if (nowMs < dueMs) draft.wakeAt(dueMs);
      return nowMs >= dueMs;
    }
    case 'agent':
    case 'tcp':
    case 'http':
      return checks?.[checkKey(gate)] === 'passing';
    default:
      return gate satisfies never;
  }
}
