import { ok, problem, type Outcome, type Problem } from '../problem.ts';
import { operationId, token, type NodeId, type VmId } from '../model/ids.ts';
import type { VmDesired, VmRecord, VmSpec } from '../model/vm.ts';
import type { Draft } from '../decide/draft.ts';
import { releaseOperation } from '../decide/operations.ts';
import { forget } from '../decide/vms.ts';
import { localDiskProblem, specConflict } from './vm-conflicts.ts';

/** Records a new VM. It is placed and started by the next decisions when desired is `running`. */
export function createVm(
  draft: Draft,
  input: { readonly id: VmId; readonly spec: VmSpec; readonly desired: VmDesired },
): Outcome<VmRecord> {
  const refused =
    specConflict(input.id, input.spec, draft.vms()) ??
    (input.desired === 'ignored' ? null : localDiskProblem(input.spec));
  if (refused !== null) return problem(refused);
  const vm: VmRecord = {
    kind: 'vm',
    id: input.id,
    spec: input.spec,
    desired: input.desired,
    phase: 'stopped',
    permit: null,
    lastToken: draft.counters().token,
    operation: null,
    failures: 0,
    failover: null,
    reason: null,
    strays: [],
    asked: null,
    deleting: false,
  };
  draft.put(vm);
  draft.event({
    code: 'VM_CREATED',
    severity: 'info',
    node: null,
    vm: vm.id,
    text: `${vm.spec.name} is created`,
  });
  return ok(vm);
}

/** Wants it running; clears what earlier failures left. Without effect when it runs. */
export function startVm(draft: Draft, vm: VmRecord): Outcome<VmRecord> {
  if (vm.deleting) return problem(conflict(vm, 'it is being deleted'));
  const rested = vm.phase === 'backoff' || vm.phase === 'failed';
  const next: VmRecord = {
    ...vm,
    desired: 'running',
    phase: rested ? 'stopped' : vm.phase,
    failures: 0,
    reason: rested ? null : vm.reason,
  };
  draft.put(next);
  return ok(next);
}

/**
 * Wants it stopped. The guest is asked first, unless `force`; a forced stop may follow a graceful
 * one that takes too long.
 */
export function stopVm(draft: Draft, vm: VmRecord, force: boolean): Outcome<VmRecord> {
  const next: VmRecord = { ...vm, desired: 'stopped' };
  const owned = vm.permit !== null && vm.phase !== 'recovering';
  const mustRelease =
    owned && (vm.phase !== 'stopping' || (force && vm.operation?.force === false));
  const stopped = mustRelease
    ? { ...next, phase: 'stopping' as const, operation: releaseOperation(vm, force) }
    : next;
  draft.put(stopped);
  return ok(stopped);
}

/** Stops it and then forgets it. Its disks are left alone. */
export function deleteVm(draft: Draft, vm: VmRecord): Outcome<VmRecord> {
  if (vm.desired === 'ignored') {
    forget(draft, vm);
    return ok(vm);
  }
  const stopped = stopVm(draft, vm, false);
  if (stopped.kind === 'problem') return stopped;
  const next = { ...stopped.value, deleting: true };
  draft.put(next);
  return ok(next);
}

/**
 * Takes over a domain that runs on an admitted node, without touching the guest: the record says
 * that it runs there, and the agent writes the permit into its metadata.
 */
export function adoptVm(
  draft: Draft,
  input: { readonly id: VmId; readonly spec: VmSpec; readonly node: NodeId },
): Outcome<VmRecord> {
  const node = draft.node(input.node);
  if (node === undefined || node.incarnation === null) {
    return problem({
      code: 'E_CONFLICT',
      what: `${input.spec.name} cannot be adopted`,
      because: `${input.node} is not admitted`,
      so: 'nothing was changed',
      try: [`kennel explain ${input.node}`],
    });
  }
  const created = createVm(draft, { id: input.id, spec: input.spec, desired: 'running' });
  if (created.kind === 'problem') return created;
  const first = token(created.value.lastToken + 1);
  const adopted: VmRecord = {
    ...created.value,
    phase: 'running',
    lastToken: first,
    permit: { vm: input.id, node: input.node, incarnation: node.incarnation.id, token: first },
    operation: {
      id: operationId(`permit/${input.id}/${first}`),
      kind: 'permit',
      force: false,
      previousToken: null,
    },
  };
  draft.put(adopted);
  draft.event({
    code: 'VM_ADOPTED',
    severity: 'info',
    node: input.node,
    vm: input.id,
    text: `${input.spec.name} is adopted where it runs, on ${input.node}`,
  });
  return ok(adopted);
}

function conflict(vm: VmRecord, because: string): Problem {
  return {
    code: 'E_CONFLICT',
    what: `VM ${vm.spec.name} cannot be changed`,
    because,
    so: 'nothing was changed',
    try: [`kennel vm show ${vm.spec.name}`],
  };
}
