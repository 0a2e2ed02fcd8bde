import { operationId, type OperationId } from '../model/ids.ts';
import type { VmRecord } from '../model/vm.ts';
import {
  actedKept,
  type AskedOfOwner,
  type AskedVerb,
  type VmAction,
  type VmActed,
} from '../model/vm-action.ts';
import type { CommandOutcome } from '../observations.ts';
import type { AddressedCommand } from '../plan.ts';
import { isLeftAlone } from './arming.ts';
import type { Draft } from './draft.ts';
import { ownerOf } from './ownership.ts';
import { afterAction } from './snapshots.ts';

/** The same call has the same id under every leader. */
export function actionOperation(vm: VmRecord, request: string): OperationId {
  return operationId(`act/${vm.id}/${request}`);
}

/** Ends the actions that were answered, and those whose VM is not what they were asked of any more. */
export function decideActions(draft: Draft): void {
  for (const vm of draft.vms()) {
    if (vm.action == null) continue;
    if (draft.isFull()) return;
    const outcome = draft.observations.commands.get(vm.action.operation)?.outcome ?? null;
    const over = outcome ?? overtaken(draft, vm);
    if (over !== null) end(draft, vm, over);
  }
}

/** Why no owner is to be asked any more; null = it still is. */
function overtaken(draft: Draft, vm: VmRecord): CommandOutcome | null {
  const unknown = (detail: string): CommandOutcome => ({ kind: 'ambiguous', detail });
  if (isLeftAlone(draft, vm)) return unknown('the VM is left to people by now');
  if (vm.permit?.token !== vm.action?.token) return unknown('it got another permit meanwhile');
  return vm.phase === 'running' ? null : unknown(`it is ${vm.phase} by now`);
}

function end(draft: Draft, vm: VmRecord, outcome: CommandOutcome): void {
  const { action } = vm;
  if (action == null) return;
  const { request, verb, by, snapshot } = action;
  const at = draft.observations.nowWall;
  const about = snapshot === undefined ? {} : { snapshot };
  const acted: VmActed = { request, verb, ...about, by, at, ...judged(outcome) };
  draft.put(afterAction(withActed(vm, acted), action, acted.outcome));
  const { name } = vm.spec;
  const node = vm.permit?.node ?? null;
  const base = { node, vm: vm.id };
  if (acted.outcome === 'done') {
    const text = `${name} ${doneTexts[verb](snapshot ?? '')}${node === null ? '' : ` on ${node}`}`;
    draft.event({ ...base, code: eventCodes[verb], severity: 'info', text });
    return;
  }
  const what = acted.outcome === 'failed' ? 'did not work' : 'may have worked or not';
  draft.event({
    ...base,
    code: 'VM_ACTION_FAILED',
    severity: 'warning',
    text: `${whatOf(action)} of ${name}, asked by ${by}, ${what}: ${acted.detail ?? 'no reason was given'}`,
  });
}

const eventCodes = {
  pause: 'VM_PAUSED',
  resume: 'VM_RESUMED',
  reset: 'VM_RESET',
  reboot: 'VM_REBOOT_ASKED',
  snapshot: 'VM_SNAPSHOT_MADE',
  revert: 'VM_REVERTED',
  deleteSnapshot: 'VM_SNAPSHOT_DELETED',
} as const satisfies Record<AskedVerb, string>;

const doneTexts: Readonly<Record<AskedVerb, (snapshot: string) => string>> = {
  pause: () => 'stands still',
  resume: () => 'goes on',
  reset: () => 'was reset',
  reboot: () => 'was asked to reboot',
  snapshot: (snapshot) => `has snapshot ${snapshot}, made`,
  revert: (snapshot) => `is as it was at snapshot ${snapshot}, and runs`,
  deleteSnapshot: (snapshot) => `has snapshot ${snapshot} no more; it was deleted`,
};

/** For people: which call it is. */
export function whatOf({ verb, snapshot }: Pick<VmAction, 'verb' | 'snapshot'>): string {
  switch (verb) {
    case 'snapshot':
      return `making snapshot ${snapshot}`;
    case 'revert':
      return `the revert to snapshot ${snapshot}`;
    case 'deleteSnapshot':
      return `deleting snapshot ${snapshot}`;
    default:
      return verb;
  }
}

function judged(outcome: CommandOutcome): Pick<VmActed, 'outcome' | 'detail'> {
  switch (outcome.kind) {
    case 'done':
      return { outcome: 'done', detail: null };
    case 'refused':
      return { outcome: 'failed', detail: `${outcome.because}: ${outcome.detail}` };
    case 'failed':
      return { outcome: 'failed', detail: `${outcome.code}: ${outcome.detail}` };
    case 'ambiguous':
      return { outcome: 'unknown', detail: outcome.detail };
    default:
      return outcome satisfies never;
  }
}

/** Remembers what became of a call. */
export function withActed(vm: VmRecord, acted: VmActed): VmRecord {
  return { ...vm, acted: [...(vm.acted ?? []), acted].slice(-actedKept) };
}

/** The command that a committed action calls for; null = none, or its owner is not to be asked now. */
export function actionCommand(draft: Draft, vm: VmRecord): AddressedCommand | null {
  const { action, permit } = vm;
  if (action == null || permit === null || overtaken(draft, vm) !== null) return null;
  if (vm.operation !== null || ownerOf(vm, draft).kind !== 'live') return null;
  const { operation } = action;
  return {
    node: permit.node,
    incarnation: permit.incarnation,
    command: { kind: 'act', operation, permit, ...askedOf(action) },
  };
}

function askedOf(action: AskedOfOwner): AskedOfOwner {
  return action.snapshot === undefined
    ? { verb: action.verb }
    : { verb: action.verb, snapshot: action.snapshot };
}
