import { uptime } from 'node:os';
import type { Clock } from '../env.ts';

/**
 * The boot-time clock, in ms: monotonic, and suspend counts (DESIGN §2.5, C4).
 *
 * Node has no door to `CLOCK_BOOTTIME`; `/proc/uptime` shows it, cut to 10 ms. The monotonic clock
 * runs at the same rate, has full resolution and stands still in suspend. So boot time is
 * monotonic time plus an offset that only suspend moves. A reading taken between two monotonic
 * readings gives a lower bound of that offset: `uptime - after`. The bound is never above the
 * truth, because the uptime was cut and `after` was read last. Keeping the greatest bound seen
 *
 * - never runs ahead of the kernel's clock,
 * - never goes back, and only ever gets closer, so an interval is measured too short by at most
 *   one reading's error (10 ms plus the time the reading took), and only across a suspend.
 *
 * Each call reads the uptime anew (some 10 us): a suspend may lie between any two calls.
 */
export function combineBoottime(sources: {
  readonly monotonicMs: () => number;
  /** Seconds since boot, suspend included, cut and never rounded up. */
  readonly uptimeS: () => number;
}): () => number {
  let offsetMs = -Infinity;
  return () => {
    const uptimeMs = sources.uptimeS() * 1000;
    const afterMs = sources.monotonicMs();
    offsetMs = Math.max(offsetMs, uptimeMs - afterMs);
    return afterMs + offsetMs;
  };
}

/** The clocks of this machine. */
export function realClock(): Clock {
  // `os.uptime` reads `/proc/uptime`, or `CLOCK_BOOTTIME` in whole seconds where that is missing.
  const boottimeMs = combineBoottime({ monotonicMs, uptimeS: uptime });
  return { monotonicMs, boottimeMs, wallIso: () => new Date().toISOString() };
}

const monotonicMs = (): number => performance.now();
