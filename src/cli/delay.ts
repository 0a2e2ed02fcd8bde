import type { Timers } from '../env/env.ts';

/** Resolves after `delayMs` by the monotonic clock. Only for polling loops that have an end. */
export function delay(timers: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    timers.after(delayMs, resolve);
  });
}
