import type { ActionVerb } from '../../src/core/model/vm-action.ts';
import type { CallResult, SendGuard } from './connection.ts';
import type { DomainRef } from './domain-ref.ts';
import type { Link } from './link.ts';
import { procedures } from './procedures.ts';

interface GuestAction {
  readonly changes: Link;
  readonly domain: DomainRef;
  readonly verb: ActionVerb;
  /** Asked when the call leaves. */
  readonly mayAct: () => boolean;
}

/** Each verb is one procedure. libvirt agrees to pause what is paused and to resume what runs. */
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
