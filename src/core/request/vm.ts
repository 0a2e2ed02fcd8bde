import { ok, problem, type Outcome, type Problem } from '../problem.ts';
import { operationId, token, type NodeId, type Token, type VmId } from '../model/ids.ts';
import type { VmDesired, VmRecord, VmSpec } from '../model/vm.ts';
import { noTries } from '../model/vm.ts';
import type { OrderWait } from '../model/order.ts';
import { isHeld } from '../order/hold.ts';
import type { Draft } from '../decide/draft.ts';
import { forget } from '../decide/forget.ts';
import { releaseOperation } from '../decide/operations.ts';
import { ownerOf, runsOn } from '../decide/ownership.ts';
import { withdrawn } from '../decide/withdrawn.ts';
import { capacityProblem } from './capacity.ts';
import { lockedProblem } from './lock.ts';
import { orderProblem } from './vm-order.ts';
import { localDiskProblem, specConflict } from './vm-conflicts.ts';

/**
 * Records a new VM. It is placed and started by the next decisions when desired is `running`: on
 * `home`, when that node can take it.
 */
export function createVm(
  draft: Draft,
  input: {
    readonly id: VmId;
    readonly spec: VmSpec;
    readonly desired: VmDesired;
    readonly home: NodeId | null;
  },
): Outcome<VmRecord> {
  const refused =
    specConflict(input.id, input.spec, draft.vms()) ??
    (input.desired === 'ignored' ? null : localDiskProblem(input.spec)) ??
    orderProblem(input.spec, draft.vms()) ??
    homeProblem(draft, input);
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
    home: input.home,
    tries: noTries,
    failover: null,
    reason: null,
    move: null,
    strays: [],
    asked: null,
    deleting: false,
    adopting: false,
  };
  // It ran before it had a record, so no permit was ever given to it: nothing to stop it for.
  const created = { ...vm, adopting: input.desired === 'running' && runsOn(vm, draft).length > 0 };
  draft.put(created);
  const lacking =
    input.desired === 'running' && !created.adopting
      ? capacityProblem(draft, `VM ${vm.spec.name} is refused`)
      : null;
  if (lacking !== null) return problem(lacking);
  draft.event({
    code: 'VM_CREATED',
    severity: 'info',
    node: null,
    vm: vm.id,
    text: `${vm.spec.name} is created`,
  });
  return ok(created);
}

function homeProblem(
  draft: Draft,
  { home, spec }: { readonly home: NodeId | null; readonly spec: VmSpec },
): Problem | null {
  if (home === null || draft.node(home) !== undefined) return null;
  return {
    code: 'E_NOT_FOUND',
    what: `VM ${spec.name} is refused`,
    because: `there is no node ${home} for it to start on`,
    so: 'nothing was created',
    try: ['kennel node ls'],
  };
}

/** What a change of the desired state has to say beyond the state. */
export interface HowToStop {
  /** Cut the power instead of asking the guest first. */
  readonly force: boolean;
}

/**
 * Sets the desired state of a VM. Every one of these commands forgets what failed before; one that
 * takes a VM out of `ignored` looks at what is so first (`rejoined`).
 */
export function setDesired(
  draft: Draft,
  vm: VmRecord,
  desired: VmDesired,
  { force }: HowToStop,
): Outcome<VmRecord> {
  if (vm.deleting && desired !== 'stopped') return problem(conflict(vm, 'it is being deleted'));
  if (desired === 'ignored' && vm.phase === 'migrating') return problem(migrating(vm));
  const stuck =
    vm.desired === 'ignored' && desired !== 'ignored' ? localDiskProblem(vm.spec) : null;
  if (stuck !== null) return problem({ ...stuck, so: 'it stays ignored' });
  const known = vm.desired === 'ignored' && desired !== 'ignored' ? rejoined(vm) : vm;
  const next = withDesired(
    { ...known, tries: noTries, wait: endedWait(known, desired) },
    desired,
    force,
  );
  draft.put(next);
  const isMore = desired === 'running' && vm.desired !== 'running' && vm.permit === null;
  const lacking = isMore ? capacityProblem(draft, `VM ${vm.spec.name} is not started`) : null;
  return lacking === null ? ok(next) : problem(lacking);
}

/** One that is held starts without those it waits for, as one that has failed starts at once. */
function endedWait(vm: VmRecord, desired: VmDesired): OrderWait | null {
  const { wait = null } = vm;
  return desired === 'running' && wait !== null && isHeld(vm) ? { ...wait, overruled: true } : null;
}

function withDesired(vm: VmRecord, desired: VmDesired, force: boolean): VmRecord {
  switch (desired) {
    case 'running':
      return started(vm);
    case 'stopped':
    case 'disabled':
      return stopped(vm, desired, force);
    case 'ignored':
      return leftAlone(vm);
    default:
      return desired satisfies never;
  }
}

/** Without effect when it runs. */
function started(vm: VmRecord): VmRecord {
  const next: VmRecord = { ...vm, desired: 'running' };
  if (vm.phase === 'failed' && vm.permit !== null) {
    // Its stop was not wanted after all: what its owner reports decides.
    return { ...next, phase: 'running', operation: null, reason: null };
  }
  const rested = vm.phase === 'backoff' || vm.phase === 'failed';
  return rested ? { ...next, phase: 'stopped', reason: null } : next;
}

/** The guest is asked first, unless `force`; a forced stop may follow a graceful one. */
function stopped(vm: VmRecord, desired: 'stopped' | 'disabled', force: boolean): VmRecord {
  const next: VmRecord = { ...vm, desired, adopting: false };
  const owned = vm.permit !== null && vm.phase !== 'recovering';
  if (vm.phase === 'migrating' && vm.move !== null) return { ...next, move: withdrawn(vm.move) };
  const mustRelease =
    owned && (vm.phase !== 'stopping' || (force && vm.operation?.force === false));
  return mustRelease
    ? { ...next, phase: 'stopping', operation: releaseOperation(vm, force) }
    : next;
}

/**
 * No command follows any more; one that is on its way may still take effect. Who owns it stays as
 * it is, because the owner's domain may run on.
 */
function leftAlone(vm: VmRecord): VmRecord {
  return {
    ...vm,
    desired: 'ignored',
    phase: vm.permit === null ? 'stopped' : 'running',
    operation: vm.operation?.kind === 'permit' ? vm.operation : null,
    failover: null,
    reason: null,
    move: null,
    adopting: false,
  };
}

/**
 * Back from `ignored`: a person may have started, stopped or moved it. The reports tell, and it
 * leaves its last owner only by that owner's release or a proof.
 */
function rejoined(vm: VmRecord): VmRecord {
  return { ...vm, phase: vm.permit === null ? 'stopped' : 'running', adopting: true };
}

/** Stops it and then forgets it. Its disks are left alone. */
export function deleteVm(draft: Draft, vm: VmRecord): Outcome<VmRecord> {
  if (vm.desired === 'ignored') {
    return problem(conflict(vm, 'it is ignored, so it is not stopped', ['kennel vm forget']));
  }
  const locked = lockedProblem(vm, `VM ${vm.spec.name} is not deleted`);
  if (locked !== null) return problem(locked);
  const next = { ...stopped({ ...vm, tries: noTries }, 'stopped', false), deleting: true };
  draft.put(next);
  return ok(next);
}

/**
 * Takes it out of the cluster and leaves it as it is: what runs goes on without Kennel's care, and a
 * start or a stop that is on its way may still take effect. Creating it again takes over what runs.
 */
export function forgetVm(draft: Draft, vm: VmRecord): Outcome<VmRecord> {
  if (vm.phase === 'migrating') return problem(migrating(vm));
  const owner = ownerOf(vm, draft);
  if (owner.kind === 'unreachable') return problem(ownerUnknown(vm));
  forget(draft, vm);
  draft.event({
    code: 'VM_FORGOTTEN',
    severity: 'info',
    node: vm.permit?.node ?? null,
    vm: vm.id,
    text: `${vm.spec.name} is forgotten${vm.permit === null ? '' : `; it may run on ${vm.permit.node}`}`,
  });
  return ok(vm);
}

/**
 * Takes over a domain that runs on an admitted node, without touching the guest: the record says
 * that it runs there, and the agent writes the permit into its metadata.
 */
export function adoptVm(
  draft: Draft,
  input: {
    readonly id: VmId;
    readonly spec: VmSpec;
    readonly node: NodeId;
    /** Token of the permit that the domain carries, of a VM that was forgotten; null = none. */
    readonly carried: Token | null;
  },
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
  const created = createVm(draft, { ...input, desired: 'running', home: input.node });
  if (created.kind === 'problem') return created;
  const first = token(Math.max(created.value.lastToken, input.carried ?? 0) + 1);
  const adopted: VmRecord = {
    ...created.value,
    phase: 'running',
    lastToken: first,
    permit: { vm: input.id, node: input.node, incarnation: node.incarnation.id, token: first },
    operation: {
      id: operationId(`permit/${input.id}/${first}`),
      kind: 'permit',
      force: false,
      previousToken: input.carried,
    },
    adopting: false,
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

/** Made anew under its UUID it would be started elsewhere, beside itself (FAILURES O11). */
function ownerUnknown({ spec, permit }: VmRecord): Problem {
  const node = permit?.node ?? 'its node';
  return {
    code: 'E_CONFLICT',
    what: `VM ${spec.name} is not forgotten`,
    because: `it may run on ${node}, which is not heard and not proven dead; only its record says so`,
    so: 'nothing was changed',
    try: [`kennel explain ${spec.name}`, `kennel node confirm-off ${node} --reason "..."`],
  };
}

function migrating(vm: VmRecord): Problem {
  return conflict(
    vm,
    `it is being migrated to ${vm.move?.migration?.target.node ?? 'another node'}`,
    ['kennel vm migrate --cancel'],
  );
}

function conflict(
  vm: VmRecord,
  because: string,
  commands: readonly string[] = ['kennel vm show'],
): Problem {
  return {
    code: 'E_CONFLICT',
    what: `VM ${vm.spec.name} cannot be changed`,
    because,
    so: 'nothing was changed',
    try: commands.map((command) => `${command} ${vm.spec.name}`),
  };
}
