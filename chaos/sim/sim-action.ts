import type { Permit } from '../../src/core/model/permit.ts';
import type { ActionVerb, AskedVerb } from '../../src/core/model/vm-action.ts';
import { done, failed, isActive, type SimDomain, type SimOutcome } from './sim-domain.ts';

/** Told of what was done to a guest, with the permit that it runs under. */
export type ActedHook = (vm: string, verb: AskedVerb, permit: Permit | null) => void;

/** What a verb makes of a domain, as libvirt does it; the guest's process goes on in any case. */
export function actOnDomain(
  domain: SimDomain | undefined,
  verb: ActionVerb,
  onDone: (permit: Permit | null) => void,
): SimOutcome<void> {
  if (domain?.live === undefined) return failed('notActive', 'the domain is not active');
  if (verb === 'pause') {
    domain.state = 'paused';
    domain.reason = 'user';
  } else if (verb === 'resume') {
    domain.state = 'running';
    domain.reason = 'unpaused';
  }
  onDone(domain.live.permit);
  return done;
}

/** Lets a guest go on that stands still; a copy that is not whole cannot. */
export function wakeDomain(
  domain: SimDomain | undefined,
  wake: (domain: SimDomain) => void,
): SimOutcome<void> {
  if (domain === undefined || !isActive(domain)) {
    return failed('operationInvalid', 'the domain is not active');
  }
  if (domain.transit?.kind === 'incoming') {
    return failed('operationInvalid', 'the copy is not whole');
  }
  wake(domain);
  return done;
}
