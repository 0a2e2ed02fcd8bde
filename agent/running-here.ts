import type { CommandOutcome } from '../src/api/schema/session.ts';
import type { Permit } from '../src/core/model/permit.ts';
import { refused } from './checks.ts';
import { findDomain } from './domain-list.ts';
import { carries } from './domain-removal.ts';
import type { HypervisorDomain } from './hypervisor.ts';
import { notDone, type OperationTools } from './operations.ts';

/**
 * How everything begins that is done to a VM while it runs: its entry is on disk, and a listing shows
 * that it runs here by the very permit of the command. `no` is the answer; nothing was done then.
 */
export async function runningHere(
  tools: OperationTools,
  permit: Permit,
): Promise<
  | { readonly kind: 'runs'; readonly domain: HypervisorDomain }
  | { readonly kind: 'no'; readonly outcome: CommandOutcome }
> {
  const unrecorded = await tools.record();
  if (unrecorded !== null) return { kind: 'no', outcome: unrecorded };
  const listing = await tools.domains.fresh();
  if (listing.kind === 'unknown') return { kind: 'no', outcome: notDone(listing) };
  const domain = findDomain(listing, permit.vm);
  if (domain?.active === true && carries(domain, permit)) return { kind: 'runs', domain };
  const text = `${permit.vm} does not run here by token ${permit.token}`;
  return { kind: 'no', outcome: refused('conflict', text) };
}
