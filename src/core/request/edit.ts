import { sameValue, splitEdit } from '../decide/edits.ts';
import type { Draft } from '../decide/draft.ts';
import type { VmRecord, VmSpec } from '../model/vm.ts';
import { ok, problem, type Outcome, type Problem } from '../problem.ts';
import { capacityProblem } from './capacity.ts';
import { localDiskProblem, specConflict } from './vm-conflicts.ts';

export interface VmEdited {
  readonly vm: VmRecord;
  /** Fields that took effect, and those that wait until the VM is stopped or restarted. */
  readonly now: readonly string[];
  readonly nextStart: readonly string[];
}

/**
 * Gives a VM another spec. What Kennel reads holds at once; what a domain is made from holds at once where
 * nobody owns the VM, else after its next stop. Naturally repeatable: the same spec again changes nothing.
 * `before`: the spec that the edit was made from; another one by now is a conflict.
 */
export function editVm(
  draft: Draft,
  vm: VmRecord,
  { spec, before }: { readonly spec: VmSpec; readonly before: VmSpec | null },
): Outcome<VmEdited> {
  const latest = vm.staged ?? vm.spec;
  const refused = cannotEdit(draft, vm, spec);
  if (refused !== null) return problem(refused);
  const isRepeated = sameValue(latest, spec);
  if (before !== null && !isRepeated && !sameValue(before, latest)) {
    return problem(refusal(vm, 'somebody changed it since this edit was begun', 'show'));
  }
  const { present, now, nextStart } = splitEdit(vm.spec, spec);
  const kept = snapshotsForbid(vm, nextStart);
  if (kept !== null) return problem(kept);
  const isOff = vm.permit === null;
  const edited: VmRecord =
    isOff || nextStart.length === 0
      ? { ...vm, spec: isOff ? spec : present, staged: null }
      : { ...vm, spec: present, staged: spec };
  draft.put(edited);
  const asked = vm.desired === 'running' && isOff && spec.memoryMiB > vm.spec.memoryMiB;
  const lacking = asked ? capacityProblem(draft, `The edit of VM ${spec.name} is refused`) : null;
  if (lacking !== null) return problem(lacking);
  const effect = isOff
    ? { now: [...now, ...nextStart], nextStart: [] }
    : { now: [...now], nextStart: [...nextStart] };
  const changed = [...now, ...nextStart];
  if (!isRepeated && changed.length > 0) {
    const waits =
      effect.nextStart.length === 0 ? '' : `; at its next start: ${effect.nextStart.join(', ')}`;
    draft.event({
      code: 'VM_EDITED',
      severity: 'info',
      node: vm.permit?.node ?? null,
      vm: vm.id,
      text: `${vm.spec.name} is edited: ${changed.join(', ')}${waits}`,
    });
  }
  return ok({ vm: edited, ...effect });
}

/** What a guest sees of its machine. */
const machineFields = new Set(['vcpus', 'memoryMiB', 'disks', 'interfaces', 'definition']);

/** The memory in a snapshot fits the machine that it was taken of, and no other. */
function snapshotsForbid(vm: VmRecord, changed: readonly string[]): Problem | null {
  const fields = changed.filter((field) => machineFields.has(field));
  const [first] = vm.snapshots ?? [];
  if (first === undefined || fields.length === 0) return null;
  const { name } = vm.spec;
  return {
    code: 'E_CONFLICT',
    what: `the edit of VM ${name} is refused`,
    because: `it has snapshots (${first.name}, …), which fit the machine as it is, and ${fields.join(', ')} would change that`,
    so: 'nothing was changed',
    try: [`kennel vm snapshot ls ${name}`, `kennel vm snapshot delete ${name} ${first.name}`],
  };
}

function cannotEdit(draft: Draft, vm: VmRecord, spec: VmSpec): Problem | null {
  if (vm.deleting) return refusal(vm, 'it is being deleted', 'show');
  if (vm.move?.migration != null) {
    return refusal(vm, `it is being migrated to ${vm.move.migration.target.node}`, 'show');
  }
  if (spec.name !== vm.spec.name) {
    return refusal(vm, `its name stays: rules and other VMs know it as ${vm.spec.name}`, 'show');
  }
  const others = draft.vms().filter(({ id }) => id !== vm.id);
  return (
    specConflict(vm.id, spec, others) ?? (vm.desired === 'ignored' ? null : localDiskProblem(spec))
  );
}

function refusal(vm: VmRecord, because: string, verb: string): Problem {
  return {
    code: 'E_CONFLICT',
    what: `the edit of VM ${vm.spec.name} is refused`,
    because,
    so: 'nothing was changed',
    try: [`kennel vm ${verb} ${vm.spec.name}`],
  };
}
