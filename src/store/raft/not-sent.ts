import type { WriteOutcome } from '../store.ts';

/** A write that provably never left this member. */
export function notSent(detail: string): WriteOutcome {
  return { kind: 'refused', because: 'notSent', current: [], detail };
}
