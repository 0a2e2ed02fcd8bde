import type { CommandOutcome } from '../src/api/schema/session.ts';
import type { Permit } from '../src/core/model/permit.ts';
import type { AskedVerb } from '../src/core/model/vm-action.ts';
import { isSnapshotVerb } from '../src/core/model/vm-snapshot.ts';
import { findDomain } from './domain-list.ts';
import { carries } from './domain-removal.ts';
import type { HypervisorDomain, HypervisorResult } from './hypervisor.ts';
import { ambiguous, done, failed, permitOf, type Of, type OperationTools } from './operations.ts';
import { runningHere } from './running-here.ts';

/**
 * Does something once to a VM that runs here by the very permit of the command. When the answer is lost, a
 * look tells of a pause and of a resume, and nothing tells of the others.
 */
export async function actOnVm(tools: OperationTools, command: Of<'act'>): Promise<CommandOutcome> {
  const permit = permitOf(command.permit);
  const { verb } = command;
  const here = await runningHere(tools, permit);
  if (here.kind === 'no') return here.outcome;
  const no = tools.recheck();
  if (no !== null) return no;
  const result = await perform(tools, command, permit);
  switch (result.kind) {
    case 'ok':
      return verb === 'revert' ? runsAnew(tools, permit) : done;
    case 'failed':
      if (verb === 'revert') await tools.domains.fresh();
      return failed(result.code, result.message);
    case 'ambiguous': {
      const after = await tools.domains.fresh();
      const now = findDomain(after, permit.vm);
      return now !== undefined && shows(now, verb) ? done : ambiguous(result.message);
    }
    default:
      return result satisfies never;
  }
}

function perform(
  { hypervisor, recheck }: OperationTools,
  { verb, snapshot }: Of<'act'>,
  { vm }: Permit,
): Promise<HypervisorResult<void>> {
  const mayAct = (): boolean => recheck() === null;
  if (!isSnapshotVerb(verb)) return hypervisor.act(vm, verb, mayAct);
  if (snapshot !== undefined) return hypervisor.snapshot(vm, { verb, name: snapshot }, mayAct);
  return Promise.resolve({ kind: 'failed', code: 'noSnapshot', message: 'no snapshot was named' });
}

/**
 * After a revert the process is another one. The listing that shows it is reported before this answer, so
 * that no older one, with the VM off, is taken for its end once the manager has the answer.
 */
async function runsAnew(tools: OperationTools, permit: Permit): Promise<CommandOutcome> {
  const listing = await tools.domains.fresh();
  if (listing.kind === 'unknown') return ambiguous(listing.because);
  const domain = findDomain(listing, permit.vm);
  if (domain?.active === true && carries(domain, permit)) return done;
  return failed(
    'ended',
    `${permit.vm} was reverted, and does not run by token ${permit.token} now`,
  );
}

/** The domain is seen to be what the verb makes of it. */
function shows({ active, state }: HypervisorDomain, verb: AskedVerb): boolean {
  if (!active) return false;
  return (verb === 'pause' && state === 'paused') || (verb === 'resume' && state === 'running');
}
