import { withActed } from '../decide/actions.ts';
import { isLeftAlone } from '../decide/arming.ts';
import type { Draft } from '../decide/draft.ts';
import type { VmRecord, VmSpec } from '../model/vm.ts';
import { ok, problem, type Outcome, type Problem } from '../problem.ts';
import type { Once } from './act.ts';
import { specConflict } from './vm-conflicts.ts';

/**
 * Gives a VM that is off another name, everywhere: rules, and the specs of those that wait for it or are
 * kept apart from it, know it by its new one. Its UUID, by which libvirt and permits know it, stays.
 */
export function renameVm(
  draft: Draft,
  vm: VmRecord,
  { to, request, by }: Once & { readonly to: string },
): Outcome<VmRecord> {
  const { name } = vm.spec;
  if (vm.acted?.some((one) => one.request === request && one.verb === 'rename') === true) {
    return ok(vm);
  }
  const spec = { ...vm.spec, name: to };
  const others = draft.vms().filter(({ id }) => id !== vm.id);
  const refused = cannotRename(draft, vm) ?? specConflict(vm.id, spec, others);
  if (refused !== null) return problem(refused);
  const at = draft.observations.nowWall;
  const acted = { request, verb: 'rename', by, at, outcome: 'done', detail: null } as const;
  const next = withActed({ ...vm, spec }, acted);
  draft.put(next);
  for (const other of others) {
    const known = { spec: knownAs(other.spec, name, to), staged: stagedAs(other, name, to) };
    if (known.spec === other.spec && known.staged === other.staged) continue;
    draft.put({ ...other, ...known });
  }
  for (const rule of draft.rules()) {
    if (rule.vms.includes(name)) draft.put({ ...rule, vms: renamed(rule.vms, name, to) });
  }
  draft.event({
    code: 'VM_RENAMED',
    severity: 'info',
    node: null,
    vm: vm.id,
    text: `${name} is ${to} from now on`,
  });
  return ok(next);
}

const renamed = (names: readonly string[], from: string, to: string): readonly string[] =>
  names.map((name) => (name === from ? to : name));

/** The same object where it does not name the VM. */
function knownAs(spec: VmSpec, from: string, to: string): VmSpec {
  const isApart = spec.separateFrom.includes(from);
  const isAwaited = spec.after?.some(({ vm }) => vm === from) === true;
  if (!isApart && !isAwaited) return spec;
  const after = spec.after?.map((one) => (one.vm === from ? { ...one, vm: to } : one));
  return { ...spec, separateFrom: renamed(spec.separateFrom, from, to), after };
}

function stagedAs({ staged }: VmRecord, from: string, to: string): VmRecord['staged'] {
  return staged == null ? staged : knownAs(staged, from, to);
}

function cannotRename(draft: Draft, vm: VmRecord): Problem | null {
  const { name } = vm.spec;
  if (vm.deleting) return refusal(name, 'it is being deleted', [`kennel vm show ${name}`]);
  if (isLeftAlone(draft, vm)) {
    return refusal(name, 'it is left to people', [`kennel vm stop ${name}`, 'kennel arm']);
  }
  if (vm.permit === null && vm.desired !== 'running') return null;
  const where = vm.permit === null ? 'and may be started at any time' : `on ${vm.permit.node}`;
  return refusal(
    name,
    `it is ${vm.phase} ${where}, and a domain cannot be renamed while it is active`,
    [`kennel vm stop ${name} --wait`],
  );
}

function refusal(name: string, because: string, steps: readonly string[]): Problem {
  return {
    code: 'E_CONFLICT',
    what: `VM ${name} is not renamed`,
    because,
    so: 'nothing was changed',
    try: steps,
  };
}
