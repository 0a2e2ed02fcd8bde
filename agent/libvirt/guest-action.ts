import type { ActionVerb } from '../../src/core/model/vm-action.ts';
import type { CallResult, SendGuard } from './connection.ts';
import type { DomainRef } from './domain-ref.ts';
import type { Link } from './link.ts';
import { domainState } from './domain-state.ts';
import { statsState } from './flags.ts';
import { procedures } from './procedures.ts';

interface GuestAction {
  readonly changes: Link;
  readonly domain: DomainRef;
  readonly verb: ActionVerb;
  /** Asked when the call leaves. */
  readonly mayAct: () => boolean;
}

/** Each verb is one procedure. libvirt agrees to pause what is paused, and not to resume what runs. */
export function sendAction(
  { changes, domain, verb, mayAct }: GuestAction,
  deadlineMs: number,
): Promise<CallResult<undefined>> {
  const guard: SendGuard = () =>
    mayAct() ? null : { code: 'actionTooLate', message: `${domain.name}: it may not be done now` };
  const flagged = { domain, flags: 0 };
  switch (verb) {
    case 'pause':
      return changes.call(procedures.suspend, { domain }, deadlineMs, guard);
    case 'resume':
      return changes.call(procedures.resume, { domain }, deadlineMs, guard);
    case 'reset':
      return changes.call(procedures.reset, flagged, deadlineMs, guard);
    case 'reboot':
      return changes.call(procedures.reboot, flagged, deadlineMs, guard);
    default:
      return verb satisfies never;
  }
}

/** What libvirt says of its state now; false also when it does not answer. */
export async function isRunning(
  reads: Link,
  domain: DomainRef,
  deadlineMs: number,
): Promise<boolean> {
  const args = { domains: [domain], stats: statsState, flags: 0 };
  const stats = await reads.call(procedures.allDomainStats, args, deadlineMs);
  if (stats.kind !== 'ok') return false;
  const parameters = stats.value.records[0]?.parameters ?? [];
  const state = parameters.find(({ field }) => field === 'state.state')?.value;
  return state?.type === 'int' && state.value === domainState.running;
}
