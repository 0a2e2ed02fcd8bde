import type { CommandOutcome } from '../src/api/schema/session.ts';
import type { ActionVerb } from '../src/core/model/vm-action.ts';
import { findDomain } from './domain-list.ts';
import type { HypervisorDomain } from './hypervisor.ts';
import { ambiguous, done, failed, permitOf, type Of, type OperationTools } from './operations.ts';
import { runningHere } from './running-here.ts';

/**
 * Pauses, resumes, resets or reboots a VM that runs here by the very permit of the command. It is tried
 * once: when the answer is lost, a look tells of a pause and of a resume, and nothing tells of the others.
 */
export async function actOnVm(tools: OperationTools, command: Of<'act'>): Promise<CommandOutcome> {
  const permit = permitOf(command.permit);
  const { verb } = command;
  const here = await runningHere(tools, permit);
  if (here.kind === 'no') return here.outcome;
  const no = tools.recheck();
  if (no !== null) return no;
  const result = await tools.hypervisor.act(permit.vm, verb, () => tools.recheck() === null);
  switch (result.kind) {
    case 'ok':
      return done;
    case 'failed':
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

/** The domain is seen to be what the verb makes of it. */
function shows({ active, state }: HypervisorDomain, verb: ActionVerb): boolean {
  if (!active) return false;
  return (verb === 'pause' && state === 'paused') || (verb === 'resume' && state === 'running');
}
