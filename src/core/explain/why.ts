import type { FailoverRecord } from '../model/failover.ts';
import type { VmId } from '../model/ids.ts';

/** One step on a VM's way to its place. `at`: ISO wall-clock. */
export interface WhyStep {
  readonly at: string;
  readonly what: string;
  /** Who asked for it, and why; null = it followed from what was so. */
  readonly by: string | null;
  readonly reason: string | null;
}

/** What is needed of an event. */
export interface ToldEvent extends WhyStep {
  readonly code: string;
}

/** Events with which a VM's story begins anew: nothing before them led to its place. */
const beginnings: ReadonlySet<string> = new Set(['VM_CREATED', 'VM_ADOPTED', 'VM_FORGOTTEN']);

/**
 * The chain of events that led to a VM's place, oldest first: its own events, and of each failover that
 * moved it what was seen, how its node was proven dead, and why the new one was chosen. It begins where
 * the VM was created, adopted or taken over; of more than `most` steps the last are told.
 */
export function whyVm(
  vm: VmId,
  told: { readonly events: readonly ToldEvent[]; readonly failovers: Iterable<FailoverRecord> },
  most: number,
): { readonly steps: readonly WhyStep[]; readonly left: number } {
  const first = told.events.findLastIndex(({ code }) => beginnings.has(code));
  const events = told.events.slice(Math.max(0, first));
  const sinceAt = events[0]?.at ?? '';
  const moved = [...told.failovers].flatMap((failover) => failoverSteps(failover, vm));
  const all: WhyStep[] = [
    ...events.map(({ at, what, by, reason }) => ({ at, what, by, reason })),
    ...moved.filter(({ at }) => at >= sinceAt),
  ];
  // Stable, and ISO times in one zone sort as text.
  all.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return { steps: all.slice(-most), left: Math.max(0, all.length - most) };
}

function failoverSteps(failover: FailoverRecord, vm: VmId): readonly WhyStep[] {
  const mine = failover.vms.find((one) => one.vm === vm);
  if (mine === undefined) return [];
  const { id, node, fence, detectedAt, provenAt, proof } = failover;
  const steps: (readonly [at: string | null, what: string])[] = [
    [detectedAt, `${node} was lost; ${fence} was to prove it dead (${id})`],
    [provenAt, `${node} was proven dead by ${proof?.kind ?? 'a proof'} (${id})`],
    [mine.placedAt, `${mine.to ?? 'no node'} was chosen: ${mine.placement ?? 'no reason is kept'}`],
    [failover.closedAt, mine.failure === null ? '' : `it was not started: ${mine.failure}`],
  ];
  return steps.flatMap(([at, what]) =>
    at === null || what === '' ? [] : [{ at, what, by: null, reason: null }],
  );
}
