import type { AgentCommand, CommandOutcome } from '../src/api/schema/session.ts';
import { incarnationId, nodeId, token, vmId } from '../src/core/model/ids.ts';
import type { Permit } from '../src/core/model/permit.ts';
import type { VmSpec } from '../src/core/model/vm.ts';
import { refused } from './checks.ts';
import type { Refused } from './checks.ts';
import { findDomain } from './domain-list.ts';
import type { Listing } from './domain-list.ts';
import { carries, removeDomain } from './domain-removal.ts';
import type { RemovalTools } from './domain-removal.ts';
import type { AgentTuning } from './tuning.ts';

/** What one command needs of the agent around it. */
export interface OperationTools extends RemovalTools {
  readonly tuning: AgentTuning;
  /** Writes epoch, token and journal entry; resolves once they are on disk, or refuses. */
  readonly record: () => Promise<Refused | null>;
  /**
   * The checks once more, at this instant. Called in the same synchronous turn as the call to the
   * hypervisor, so that nothing this program waits for lies between the two.
   */
  readonly recheck: () => Refused | null;
  /** End of the guest's time to shut down, monotonic ms. A later release may bring it forward. */
  readonly graceEndMs: () => number;
  /** A migration of the VM by this token, or an older one, was accepted and is not over. */
  readonly isMigrating: (vm: string, token: number) => boolean;
}

export type Of<Kind extends AgentCommand['kind']> = Extract<AgentCommand, { kind: Kind }>;

export const done: CommandOutcome = { kind: 'done' };
export const ambiguous = (detail: string): CommandOutcome => ({ kind: 'ambiguous', detail });
export const failed = (code: string, detail: string): CommandOutcome => ({
  kind: 'failed',
  code: code.slice(0, 64),
  detail,
});

/**
 * Boots a VM under a permit. `failed` is only answered when a listing shows that the domain is gone
 * and its token is on disk: the manager may give the VM to another node on that word.
 */
export async function startVm(
  tools: OperationTools,
  command: Of<'start'>,
): Promise<CommandOutcome> {
  const permit = permitOf(command.permit);
  const unrecorded = await tools.record();
  if (unrecorded !== null) return unrecorded;
  const listing = await tools.domains.fresh();
  if (listing.kind === 'unknown') return notDone(listing);
  const there = findDomain(listing, permit.vm);
  if (there?.active === true) return carries(there, permit) ? done : runsForeign(there);
  const no = tools.recheck();
  if (no !== null) return no;
  const result = await tools.hypervisor.start(
    specOf(command.spec),
    permit,
    () => tools.recheck() === null,
  );
  switch (result.kind) {
    case 'ok':
      return done;
    case 'failed':
      return withdrawStart(tools, permit, failed(result.code, result.message));
    case 'ambiguous':
      return resolveStart(tools, command);
    default:
      return result satisfies never;
  }
}

/**
 * Finds out what became of a start whose answer was lost. Boots nothing: looks for the domain for
 * `resolveMs`, then takes the start back if the hypervisor answers at all.
 */
export async function resolveStart(
  tools: OperationTools,
  command: Of<'start'>,
): Promise<CommandOutcome> {
  const permit = permitOf(command.permit);
  const { clock, tuning } = tools;
  const endMs = clock.monotonicMs() + tuning.resolveMs;
  for (;;) {
    const listing = await tools.domains.fresh();
    const domain = findDomain(listing, permit.vm);
    if (domain?.active === true && carries(domain, permit)) return done;
    const leftMs = endMs - clock.monotonicMs();
    if (tools.stopping()) return ambiguous('the agent is stopping');
    if (leftMs <= 0) {
      if (listing.kind === 'unknown') return ambiguous(listing.because);
      const text = `it did not run ${tuning.resolveMs} ms after the answer was lost`;
      return withdrawStart(tools, permit, failed('startUnconfirmed', text));
    }
    await tools.changes.wait(Math.min(tuning.lookMs, leftMs));
  }
}

/** Makes sure that nothing of a start is left; `outcome` when that is certain. */
async function withdrawStart(
  tools: OperationTools,
  permit: Permit,
  outcome: CommandOutcome,
): Promise<CommandOutcome> {
  const boundMs = tools.tuning.goneMs;
  const removal = await removeDomain(tools, permit.vm, { only: permit, boundMs });
  switch (removal.kind) {
    case 'gone':
      return outcome;
    case 'foreign':
      return removal.domain.active ? runsForeign(removal.domain) : outcome;
    case 'unsure':
      return ambiguous(`the start failed and is not cleared: ${removal.because}`);
    default:
      return removal satisfies never;
  }
}

/** Writes a permit onto a domain that runs already: after an agent restart, or for adoption. */
export async function permitVm(
  tools: OperationTools,
  command: Of<'permit'>,
): Promise<CommandOutcome> {
  const permit = permitOf(command.permit);
  const listing = await tools.domains.fresh();
  const unfit = unfitForPermit(listing, command);
  if (unfit !== null) return unfit;
  const unrecorded = await tools.record();
  if (unrecorded !== null) return unrecorded;
  const no = tools.recheck();
  if (no !== null) return no;
  const result = await tools.hypervisor.setPermit(permit);
  switch (result.kind) {
    case 'ok':
      return done;
    case 'failed':
      return failed(result.code, result.message);
    case 'ambiguous':
      return resolvePermit(tools, command);
    default:
      return result satisfies never;
  }
}

/**
 * Finds out what became of a permit whose answer was lost. Writing the same permit twice is
 * harmless, so where the old one is still there it is written again, if the checks still allow it.
 */
export async function resolvePermit(
  tools: OperationTools,
  command: Of<'permit'>,
): Promise<CommandOutcome> {
  const permit = permitOf(command.permit);
  const { clock, tuning } = tools;
  const endMs = clock.monotonicMs() + tuning.resolveMs;
  for (;;) {
    const listing = await tools.domains.fresh();
    const domain = findDomain(listing, permit.vm);
    if (domain?.active === true && carries(domain, permit)) return done;
    const no = unfitForPermit(listing, command) ?? tools.recheck();
    const leftMs = endMs - clock.monotonicMs();
    if (leftMs <= 0) return ambiguous(no?.detail ?? 'the permit is not seen on the domain');
    if (no === null) {
      const result = await tools.hypervisor.setPermit(permit);
      if (result.kind === 'ok') return done;
      if (result.kind === 'failed') return failed(result.code, result.message);
    }
    if (tools.stopping()) return ambiguous('the agent is stopping');
    await tools.changes.wait(Math.min(tuning.lookMs, leftMs));
  }
}

/** Why a domain cannot take a permit; null when it runs and carries the expected token or the new. */
function unfitForPermit(listing: Listing, command: Of<'permit'>): Refused | null {
  if (listing.kind === 'unknown') return notDone(listing);
  const domain = findDomain(listing, command.permit.vm);
  if (domain === undefined) return refused('unknownVm', `${command.permit.vm} is not defined here`);
  if (!domain.active) return refused('conflict', `${domain.name} is not active`);
  if (carries(domain, permitOf(command.permit))) return null;
  const carried = domain.permit?.token ?? null;
  if (carried === command.previousToken) return null;
  const expected = command.previousToken ?? 'none';
  return refused('conflict', `${domain.name} carries token ${carried ?? 'none'}, not ${expected}`);
}

/** Stops and forgets a domain. `done` means: a listing shows that it is not here any more. */
export async function releaseVm(
  tools: OperationTools,
  command: Of<'release'>,
): Promise<CommandOutcome> {
  const unrecorded = await tools.record();
  if (unrecorded !== null) return unrecorded;
  const no = tools.recheck();
  if (no !== null) return no;
  await shutDownGuest(tools, command.vm);
  const boundMs = tools.tuning.goneMs;
  const removal = await removeDomain(tools, command.vm, { only: null, boundMs });
  if (removal.kind === 'gone') return done;
  const detail = removal.kind === 'unsure' ? removal.because : 'it is there under another permit';
  return ambiguous(`not gone for certain: ${detail}`);
}

/** Asks the guest to shut down and waits until it is off or its time is over. */
async function shutDownGuest(tools: OperationTools, vm: string): Promise<void> {
  const { clock, tuning } = tools;
  let asked = false;
  for (;;) {
    if (clock.monotonicMs() >= tools.graceEndMs() || tools.stopping()) return;
    const listing = await tools.domains.fresh();
    if (listing.kind === 'ok' && findDomain(listing, vm)?.active !== true) return;
    if (!asked) {
      const told = await tools.turns.run(() => tools.hypervisor.shutdown(vmId(vm)));
      asked = told.kind !== 'failed';
    }
    const leftMs = tools.graceEndMs() - clock.monotonicMs();
    if (leftMs > 0) await tools.changes.wait(Math.min(tuning.lookMs, leftMs));
  }
}

/** Nothing was tried, because what is there cannot be seen. */
export function notDone(listing: Extract<Listing, { kind: 'unknown' }>): Refused {
  return refused(
    'conflict',
    `nothing was done, the hypervisor does not answer: ${listing.because}`,
  );
}

function runsForeign(domain: { readonly name: string; readonly permit: Permit | null }): Refused {
  const { name, permit } = domain;
  const under =
    permit === null ? 'without a permit' : `under token ${permit.token} of ${permit.incarnation}`;
  return refused('conflict', `${name} runs here already, ${under}`);
}

export function permitOf(wire: Of<'start'>['permit']): Permit {
  return {
    vm: vmId(wire.vm),
    node: nodeId(wire.node),
    incarnation: incarnationId(wire.incarnation),
    token: token(wire.token),
  };
}

export function specOf(wire: Of<'start'>['spec']): VmSpec {
  return { ...wire, nodes: wire.nodes.map(nodeId) };
}
