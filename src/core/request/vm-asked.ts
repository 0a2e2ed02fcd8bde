import type { Draft } from '../decide/draft.ts';
import type { VmGoal, VmRecord } from '../model/vm.ts';
import { ok, problem, type Outcome, type Problem } from '../problem.ts';

/** How long past the grace of a guest's shutdown a command counts as under way, in ms. */
const patienceMs = 30_000;

/**
 * Carries out what somebody wants of a VM, and notes who. While the effect of what another person
 * wanted is still under way, the opposite is a conflict: two people work against each other and
 * do not know it (FAILURES O12). Whoever asked first may think better of it.
 */
export function changeInNameOf(
  draft: Draft,
  vm: VmRecord,
  by: string,
  change: (draft: Draft, vm: VmRecord) => Outcome<VmRecord>,
): Outcome<VmRecord> {
  const changed = change(draft, vm);
  if (changed.kind === 'problem') return changed;
  const what = goalOf(changed.value);
  const { asked } = vm;
  if (asked !== null && asked.by !== by && areOpposite(asked.what, what)) {
    if (isUnderWay(draft, vm)) return problem(opposed(vm, asked, what));
  }
  if (goalOf(vm) !== what) {
    draft.event({
      code: 'VM_DESIRED',
      severity: 'info',
      node: null,
      vm: vm.id,
      text: `${vm.spec.name} is to be ${what}; it was ${goalOf(vm)}`,
    });
  }
  const noted: VmRecord = { ...changed.value, asked: { by, at: draft.observations.nowWall, what } };
  // A change may also be the end of the record.
  if (draft.vm(vm.id) !== undefined) draft.put(noted);
  return ok(noted);
}

function goalOf(vm: VmRecord): VmGoal {
  return vm.deleting ? 'deleted' : vm.desired;
}

const areOpposite = (a: VmGoal, b: VmGoal): boolean => (a === 'running') !== (b === 'running');

/** Bounded, so that a stop that never ends does not keep anybody from anything for ever. */
function isUnderWay(draft: Draft, vm: VmRecord): boolean {
  if (vm.desired === 'ignored') return false;
  const reached =
    goalOf(vm) === 'running' ? vm.phase === 'running' && vm.operation === null : vm.permit === null;
  if (reached || vm.phase === 'failed') return false;
  const sinceMs = draft.observations.vmPhaseSinceMs.get(vm.id) ?? draft.observations.nowMs;
  const { shutdownGraceMs } = draft.state.settings;
  return draft.observations.nowMs < sinceMs + shutdownGraceMs + patienceMs;
}

function opposed(vm: VmRecord, asked: NonNullable<VmRecord['asked']>, what: VmGoal): Problem {
  return {
    code: 'E_CONFLICT',
    what: `VM ${vm.spec.name} is not made ${what}`,
    because: `${asked.by} wanted it ${asked.what} at ${asked.at}, and that is under way (${vm.phase})`,
    so: 'nothing was changed',
    try: [
      `kennel vm show ${vm.spec.name}`,
      `kennel events --vm ${vm.spec.name} --last 10`,
      'run the command again once that is over',
    ],
  };
}
