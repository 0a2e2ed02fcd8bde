import type { CommandOutcome } from '../src/api/schema/session.ts';
import { vmId, type VmId } from '../src/core/model/ids.ts';
import { refused } from './checks.ts';
import { findDomain } from './domain-list.ts';
import { carries } from './domain-removal.ts';
import type { HypervisorDomain, HypervisorResult } from './hypervisor.ts';
import {
  ambiguous,
  done,
  failed,
  notDone,
  permitOf,
  type Of,
  type OperationTools,
} from './operations.ts';
import { runningHere } from './running-here.ts';

/** Makes room for a copy: an old definition of the VM, and a state that was saved with it, go. */
export async function prepareVm(
  tools: OperationTools,
  command: Of<'prepare'>,
): Promise<CommandOutcome> {
  const permit = permitOf(command.permit);
  const unrecorded = await tools.record();
  if (unrecorded !== null) return unrecorded;
  const listing = await tools.domains.fresh();
  if (listing.kind === 'unknown') return notDone(listing);
  const there = findDomain(listing, permit.vm);
  if (there?.active === true) return refused('conflict', `${there.name} is active here already`);
  const namesake = listing.domains.find(
    (domain) => domain.name === command.spec.name && domain.vm !== permit.vm,
  );
  if (namesake !== undefined) {
    return refused('conflict', `${namesake.vm} bears the name ${namesake.name} here`);
  }
  const no = tools.recheck();
  if (no !== null) return no;
  const forgotten = there === undefined ? null : await tools.hypervisor.undefine(permit.vm);
  const result =
    forgotten === null || forgotten.kind === 'ok'
      ? await tools.hypervisor.expectCopy(permit.vm)
      : forgotten;
  if (result.kind === 'ok') return done;
  return result.kind === 'failed' ? failed(result.code, result.message) : ambiguous(result.message);
}

/**
 * Copies a VM to another node. Whatever the call says, the answer is what a listing shows once no
 * migration is under way any more; libvirt's own yes is the only thing that is believed by itself.
 */
export async function migrateVm(
  tools: OperationTools,
  command: Of<'migrate'>,
): Promise<CommandOutcome> {
  const permit = permitOf(command.permit);
  const here = await runningHere(tools, permit);
  if (here.kind === 'no') return here.outcome;
  const { domain } = here;
  if (domain.state !== 'running') {
    return refused('conflict', `${domain.name} is ${domain.state} (${domain.reason})`);
  }
  const no = tools.recheck();
  if (no !== null) return no;
  const request = {
    vm: permit.vm,
    permit: permitOf(command.target),
    address: command.address,
    limits: command.limits,
  };
  const call = tools.hypervisor.migrate(request, () => tools.recheck() === null);
  const result = await answered(tools, permit.vm, call);
  if (result.kind === 'ok') return done;
  const code = result.kind === 'failed' ? result.code : 'migrationUnanswered';
  return answerOfSource(await standing(tools, permit.vm), failed(code, result.message));
}

/**
 * The end of the call; or that there will be none, because nothing was copied for `goneMs` and the call
 * waits on. A copy may take hours, so its call has no deadline that would help here.
 */
async function answered(
  tools: OperationTools,
  vm: VmId,
  call: Promise<HypervisorResult<void>>,
): Promise<HypervisorResult<void>> {
  const { changes, clock, hypervisor, tuning } = tools;
  const end = call.then((result) => ({ result }));
  let copiedMs = clock.monotonicMs();
  let lookMs = copiedMs;
  for (;;) {
    lookMs += tuning.copyLookMs;
    while (clock.monotonicMs() < lookMs) {
      const ended = await Promise.race([end, changes.wait(lookMs - clock.monotonicMs())]);
      if (ended !== undefined) return ended.result;
    }
    const job = await Promise.race([end, hypervisor.migration(vm)]);
    if ('result' in job) return job.result;
    lookMs = clock.monotonicMs();
    if (job.kind !== 'ok' || job.value !== null) copiedMs = lookMs;
    if (lookMs - copiedMs >= tuning.goneMs) {
      return { kind: 'ambiguous', message: `nothing was copied for ${tuning.goneMs} ms` };
    }
  }
}

/** Of a migration whose end is not known: how the VM stands. Copies nothing. */
export async function resolveMigration(
  tools: OperationTools,
  command: Of<'migrate'>,
): Promise<CommandOutcome> {
  const stays = failed('notMigrated', 'the answer was lost, and it is here still');
  return answerOfSource(await standing(tools, command.permit.vm), stays);
}

function answerOfSource(now: Standing, stays: CommandOutcome): CommandOutcome {
  if (now.kind === 'migrated') return done;
  return now.kind === 'here' ? stays : otherwise(now);
}

/**
 * Ends a migration for good: its token is on disk, so that it is never begun again, and the answer waits
 * until none is under way.
 */
export async function abortVm(
  tools: OperationTools,
  command: Of<'abort'>,
): Promise<CommandOutcome> {
  const unrecorded = await tools.record();
  if (unrecorded !== null) return unrecorded;
  const no = tools.recheck();
  if (no !== null) return no;
  const { clock, tuning } = tools;
  const endMs = clock.monotonicMs() + tuning.goneMs;
  while (tools.isMigrating(command.vm, command.token)) {
    if (tools.stopping()) return ambiguous('the agent is stopping');
    if (clock.monotonicMs() >= endMs) return ambiguous('the migration does not end');
    // Its call may never be answered. One that is not active any more is copied by no call.
    if (await isInactive(tools, command.vm)) break;
    await tools.hypervisor.abortMigration(vmId(command.vm));
    await tools.changes.wait(tuning.lookMs);
  }
  const now = await standing(tools, command.vm);
  if (now.kind === 'here') return done;
  return now.kind === 'migrated' ? failed('migrated', 'it left by that migration') : otherwise(now);
}

async function isInactive(tools: OperationTools, vm: string): Promise<boolean> {
  const listing = await tools.domains.fresh();
  return listing.kind === 'ok' && findDomain(listing, vm)?.active !== true;
}

/** How a VM stands at its source once no migration is under way. */
type Standing =
  | { readonly kind: 'here' }
  /** libvirt says that it left. */
  | { readonly kind: 'migrated' }
  /** Its guest stands still, as at a switch-over. */
  | { readonly kind: 'leftPaused' }
  | { readonly kind: 'gone'; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

function otherwise(now: Exclude<Standing, { readonly kind: 'here' | 'migrated' }>): CommandOutcome {
  switch (now.kind) {
    case 'leftPaused':
      return failed('leftPaused', 'its guest was left standing by the migration');
    case 'gone':
      return failed('gone', now.detail);
    case 'unknown':
      return ambiguous(now.detail);
    default:
      return now satisfies never;
  }
}

async function standing(tools: OperationTools, vm: string): Promise<Standing> {
  const { clock, tuning, hypervisor } = tools;
  const endMs = clock.monotonicMs() + tuning.resolveMs;
  for (;;) {
    const job = await hypervisor.migration(vmId(vm));
    const listing = job.kind === 'ok' && job.value === null ? await tools.domains.fresh() : null;
    if (listing?.kind === 'ok') return standingOf(findDomain(listing, vm));
    if (tools.stopping()) return { kind: 'unknown', detail: 'the agent is stopping' };
    if (job.kind === 'ok' && job.value !== null) await hypervisor.abortMigration(vmId(vm));
    const leftMs = endMs - clock.monotonicMs();
    if (leftMs <= 0) {
      const detail = job.kind === 'ok' ? 'the migration does not end' : job.message;
      return { kind: 'unknown', detail };
    }
    await tools.changes.wait(Math.min(tuning.lookMs, leftMs));
  }
}

function standingOf(domain: HypervisorDomain | undefined): Standing {
  if (domain?.active !== true) {
    if (domain?.reason === 'migrated') return { kind: 'migrated' };
    return {
      kind: 'gone',
      detail: domain === undefined ? 'it is absent' : `it is ${domain.state}`,
    };
  }
  const stands = domain.state === 'paused' && domain.reason === 'migration';
  return { kind: stands ? 'leftPaused' : 'here' };
}

/** Wakes the copy that a migration left here, once it carries the permit of its new owner. */
export async function resumeVm(
  tools: OperationTools,
  command: Of<'resume'>,
): Promise<CommandOutcome> {
  const permit = permitOf(command.permit);
  const unrecorded = await tools.record();
  if (unrecorded !== null) return unrecorded;
  const { clock, tuning, hypervisor } = tools;
  const endMs = clock.monotonicMs() + tuning.resolveMs;
  for (;;) {
    const listing = await tools.domains.fresh();
    const domain = findDomain(listing, permit.vm);
    if (listing.kind === 'ok' && domain?.active !== true) {
      return failed('noCopy', `there is no copy of ${permit.vm} here`);
    }
    const isOurs = domain !== undefined && carries(domain, permit);
    if (isOurs && domain.state !== 'paused') return done;
    if (domain !== undefined && !isOurs && domain.permit?.token !== command.previousToken) {
      return refused('conflict', `${domain.name} carries token ${domain.permit?.token ?? 'none'}`);
    }
    const no = tools.recheck();
    if (no !== null) return no;
    const step =
      domain === undefined
        ? null
        : await (isOurs ? hypervisor.resume(permit.vm) : hypervisor.setPermit(permit));
    const leftMs = endMs - clock.monotonicMs();
    if (tools.stopping()) return ambiguous('the agent is stopping');
    if (leftMs <= 0) return ambiguous('it does not wake');
    if (step?.kind === 'ok') continue;
    await tools.changes.wait(Math.min(tuning.lookMs, leftMs));
  }
}
