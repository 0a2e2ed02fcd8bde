import { actionOperation, withActed } from '../decide/actions.ts';
import { disarmedNow, disarmedText, isLeftAlone } from '../decide/arming.ts';
import type { Draft } from '../decide/draft.ts';
import { withRelease } from '../decide/operations.ts';
import { ownerOf } from '../decide/ownership.ts';
import { noTries, type VmRecord } from '../model/vm.ts';
import { verbText, type ActionVerb, type CalledVerb } from '../model/vm-action.ts';
import { lockedProblem } from './lock.ts';
import { ok, problem, type Outcome, type Problem } from '../problem.ts';

/** A call that has its effect once, however often it is made under one `request`. */
export interface Once {
  readonly request: string;
  readonly by: string;
}

/**
 * Has something done to the guest of a VM that runs. Its owner is asked for it once this is committed. A
 * pause takes nothing from the owner: the VM keeps its permit and its room. It is no wish for later
 * either: the guest's memory dies with its node, so that a VM that is recovered runs.
 */
export function actOnVm(
  draft: Draft,
  vm: VmRecord,
  { verb, request, by }: Once & { readonly verb: ActionVerb },
): Outcome<VmRecord> {
  const before = known(vm, verb, request);
  if (before !== null) return before;
  const refused = cannotAct(draft, vm, verb) ?? cannotTake(draft, vm, verb);
  if (refused !== null || vm.permit === null) return problem(refused ?? notRunning(vm, verb));
  const { token } = vm.permit;
  const operation = actionOperation(vm, request);
  const next = { ...vm, action: { operation, request, verb, token, by } };
  draft.put(next);
  return ok(next);
}

/**
 * Shuts a VM down and starts it anew, at home when its node can still take it: what was changed in its spec
 * takes effect. By force the power is cut at once, else the guest is asked first.
 */
export function restartVm(
  draft: Draft,
  vm: VmRecord,
  { force, request, by }: Once & { readonly force: boolean },
): Outcome<VmRecord> {
  const before = known(vm, 'restart', request);
  if (before !== null) return before;
  const disarmed = disarmedNow(draft);
  const refused =
    cannotAct(draft, vm, 'restart') ??
    lockedProblem(vm, `restart of VM ${vm.spec.name} is refused`) ??
    (disarmed === null
      ? null
      : refusal(vm, 'restart', `${disarmedText(disarmed)}: it would stay off`, ['kennel arm']));
  if (refused !== null) return problem(refused);
  const at = draft.observations.nowWall;
  const acted = { request, verb: 'restart', by, at, outcome: 'done', detail: null } as const;
  const next = withRelease(withActed({ ...vm, tries: noTries }, acted), force);
  draft.put(next);
  draft.event({
    code: 'VM_RESTART_ASKED',
    severity: 'info',
    node: vm.permit?.node ?? null,
    vm: vm.id,
    text: `${vm.spec.name} is ${force ? 'cut off' : 'shut down'} to be started anew`,
  });
  return ok(next);
}

/** The answer to a call that was made before; null = it is new. */
export function known(
  vm: VmRecord,
  verb: CalledVerb,
  request: string,
  snapshot?: string,
): Outcome<VmRecord> | null {
  const first =
    vm.action?.request === request ? vm.action : vm.acted?.find((one) => one.request === request);
  if (first === undefined) return null;
  if (first.verb === verb && first.snapshot === snapshot) return ok(vm);
  return problem(
    refusal(vm, verb, `request ${request} was to ${first.verb} it`, [
      'use a request id of its own for each call',
    ]),
  );
}

export function cannotAct(draft: Draft, vm: VmRecord, verb: CalledVerb): Problem | null {
  const { name } = vm.spec;
  if (isLeftAlone(draft, vm)) {
    const because = 'it is left to people, so nothing is done to it';
    return refusal(vm, verb, because, [`kennel vm start ${name}`, 'kennel arm']);
  }
  if (vm.move?.migration != null) {
    return refusal(vm, verb, `it is being migrated to ${vm.move.migration.target.node}`, [
      `kennel vm migrate --cancel ${name}`,
    ]);
  }
  if (vm.phase !== 'running' || vm.desired !== 'running' || vm.deleting) {
    return notRunning(vm, verb);
  }
  if (vm.action == null) return null;
  const because = `${vm.action.verb}, asked by ${vm.action.by}, is not answered yet`;
  return refusal(vm, verb, because, [`kennel vm show ${name}`]);
}

/** What only the owner's word on the domain can say. */
export function cannotTake(draft: Draft, vm: VmRecord, verb: CalledVerb): Problem | null {
  const { name } = vm.spec;
  const owner = ownerOf(vm, draft);
  if (owner.kind !== 'live') {
    const node = vm.permit?.node ?? 'its node';
    return refusal(vm, verb, `${node} is not heard now`, [`kennel explain ${node}`]);
  }
  if (vm.operation !== null || owner.domain.kind !== 'present') {
    return refusal(vm, verb, 'its node does not say yet that it runs', [`kennel vm show ${name}`]);
  }
  if (verb !== 'reboot' || owner.domain.domain.state !== 'paused') return null;
  const because = 'its guest stands still and cannot hear it';
  return refusal(vm, verb, because, [`kennel vm resume ${name}`, `kennel vm reset ${name}`]);
}

export const notRunning = (vm: VmRecord, verb: CalledVerb): Problem =>
  refusal(vm, verb, `it is ${vm.phase}, desired ${vm.desired}, and it can be done to what runs`, [
    `kennel vm show ${vm.spec.name}`,
  ]);

export function refusal(
  vm: VmRecord,
  verb: CalledVerb,
  because: string,
  steps: readonly string[],
): Problem {
  return {
    code: 'E_CONFLICT',
    what: `${verbText(verb)} of VM ${vm.spec.name} is refused`,
    because,
    so: 'nothing was done to it',
    try: steps,
  };
}
