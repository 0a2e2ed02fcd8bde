import { HostClock } from '../../chaos/sim/clock.ts';
import { VirtualTime } from '../../chaos/sim/virtual-time.ts';
import type { Random, Timers } from '../../src/env/env.ts';
import { quietLog } from './quiet-log.ts';

/** Time that passes only when a test lets it, and what needs time to run on it. */
export function virtualEnv() {
  const time = new VirtualTime();
  const clock = new HostClock(time);
  const timers: Timers = { after: (delayMs, action) => time.schedule(delayMs, action) };
  let draws = 0;
  const random: Random = {
    fraction: () => ((draws += 1) % 10) / 10,
    uuid: () => `00000000-0000-4000-8000-${String((draws += 1)).padStart(12, '0')}`,
  };
  return { time, clock, timers, random, log: quietLog() };
}

/** Lets virtual time pass until the promise is settled; fails when that takes too long. */
export async function settle<Value>(
  time: VirtualTime,
  promise: Promise<Value>,
  withinMs = 60_000,
): Promise<Value> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  if (!(await time.runUntil(() => settled, withinMs))) throw new Error('still waiting');
  return promise;
}
