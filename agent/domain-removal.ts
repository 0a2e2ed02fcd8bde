import { vmId } from '../src/core/model/ids.ts';
import { samePermit } from '../src/core/model/permit.ts';
import type { Permit } from '../src/core/model/permit.ts';
import type { Clock } from '../src/env/env.ts';
import type { ChangeSignal } from './change-signal.ts';
import { findDomain } from './domain-list.ts';
import type { DomainList, Listing } from './domain-list.ts';
import type { Hypervisor, HypervisorDomain } from './hypervisor.ts';
import type { Turns } from './turns.ts';

export interface RemovalTools {
  readonly clock: Clock;
  readonly hypervisor: Hypervisor;
  readonly domains: DomainList;
  readonly changes: ChangeSignal;
  readonly lookMs: number;
  /** Removals share them: each look and the call that follows from it takes one turn. */
  readonly turns: Turns;
  /** True once the agent is stopping: no further effect. */
  readonly stopping: () => boolean;
}

export type Removal =
  /** A listing shows no such domain, and nothing is left that a late start could boot. */
  | { readonly kind: 'gone' }
  /** The domain is there under another permit, or none; it was not touched. */
  | { readonly kind: 'foreign'; readonly domain: HypervisorDomain }
  | { readonly kind: 'unsure'; readonly because: string };

/**
 * Stops and forgets a domain, and believes only a listing. With `only`, a domain that does not
 * carry this very permit is left alone.
 *
 * It is gone when it is *absent after an undefine*, not already when it is off: a start whose
 * answer was lost may still wait inside the hypervisor, and would boot whatever definition it
 * finds. Once the domain is undefined, that start fails. If it slips in between, the next listing
 * shows it and the round begins again. Ends after `boundMs` plus the deadline of the call then
 * under way.
 */
export async function removeDomain(
  tools: RemovalTools,
  vm: string,
  options: { readonly only: Permit | null; readonly boundMs: number },
): Promise<Removal> {
  const { clock, domains, changes } = tools;
  const endMs = clock.monotonicMs() + options.boundMs;
  let refusal: string | null = null;
  let before: Sighting | null = null;
  let isForgotten = false;
  const round = async (): Promise<Removal | Sighting> => {
    const listing = await domains.fresh();
    const domain = findDomain(listing, vm);
    if (domain !== undefined && options.only !== null && !carries(domain, options.only)) {
      return { kind: 'foreign', domain };
    }
    const now = sightingOf(listing, domain);
    if (now === 'absent' && isForgotten) return { kind: 'gone' };
    if (clock.monotonicMs() >= endMs) return { kind: 'unsure', because: refusal ?? `it is ${now}` };
    if (tools.stopping()) return { kind: 'unsure', because: 'the agent is stopping' };
    refusal = listing.kind === 'unknown' ? listing.because : await removalStep(tools, vm, now);
    isForgotten = refusal === null && now !== 'active';
    return now;
  };
  for (;;) {
    const now = await tools.turns.run(round);
    if (typeof now !== 'string') return now;
    // After a step that worked look at once, otherwise wait for a sign.
    const leftMs = Math.max(0, endMs - clock.monotonicMs());
    if (refusal !== null || now === before) await changes.wait(Math.min(tools.lookMs, leftMs));
    before = now;
  }
}

type Sighting = 'unseen' | 'active' | 'defined' | 'absent';

function sightingOf(listing: Listing, domain: HypervisorDomain | undefined): Sighting {
  if (listing.kind === 'unknown') return 'unseen';
  if (domain === undefined) return 'absent';
  return domain.active ? 'active' : 'defined';
}

/** One call towards the end of a domain; returns what the hypervisor said against it. */
async function removalStep(tools: RemovalTools, vm: string, now: Sighting): Promise<string | null> {
  const { hypervisor } = tools;
  const call = now === 'active' ? hypervisor.destroy(vmId(vm)) : hypervisor.undefine(vmId(vm));
  const result = await call;
  return result.kind === 'ok' ? null : result.message;
}

export function carries(domain: HypervisorDomain, permit: Permit): boolean {
  return domain.permit !== null && samePermit(domain.permit, permit);
}
