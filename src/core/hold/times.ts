import type { TimingSettings } from '../model/settings.ts';

/** Times of peer hold, in ms (docs/peer-hold.md). All follow from the lease's. */
export interface HoldTimes {
  /** L: how long a hold lasts from the sending of the oldest question that it rests on. */
  readonly leaseMs: number;
  /** V: no promise is made within it of the sending of a heartbeat that was answered with a lease. */
  readonly bindMs: number;
  /** P: how long a promise counts for the asker, from the sending of its question. */
  readonly promiseMs: number;
  /** K: how long it binds the promiser, from the receipt. */
  readonly keepMs: number;
}

export function holdTimes(timing: TimingSettings): HoldTimes {
  const promiseMs = Math.floor(timing.leaseTtlMs / 3);
  return {
    leaseMs: timing.leaseTtlMs,
    bindMs: Math.floor(timing.leaseTtlMs / 2),
    promiseMs,
    keepMs: Math.ceil(promiseMs * (1 + timing.clockRateBound)),
  };
}

/** With fewer nodes nobody is held. */
export const leastMembers = 3;
