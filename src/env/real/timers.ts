import type { Timer, Timers } from '../env.ts';

/** Node fires a timer with a longer delay at once. */
const longestDelayMs = 2 ** 31 - 1;

/**
 * Timers that are never early. Node may fire up to 1 ms before its time, and earlier after the
 * event loop was held up, because it counts from the start of the turn: what is left is waited for.
 */
export function realTimers(): Timers {
  return {
    after(delayMs, action) {
      if (Number.isNaN(delayMs)) throw new Error('a timer needs a delay in ms');
      const dueMs = performance.now() + Math.max(0, delayMs);
      return arm(dueMs, action);
    },
  };
}

function arm(dueMs: number, action: () => void): Timer {
  let handle: NodeJS.Timeout;
  const wait = (): void => {
    const leftMs = Math.ceil(dueMs - performance.now());
    handle = setTimeout(fire, Math.min(Math.max(leftMs, 0), longestDelayMs));
  };
  const fire = (): void => {
    if (performance.now() < dueMs) wait();
    else action();
  };
  wait();
  return { cancel: () => clearTimeout(handle) };
}
