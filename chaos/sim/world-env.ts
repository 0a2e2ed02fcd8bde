import type { Clock, Env, Timers } from '../../src/env/env.ts';
import { HostClock } from './clock.ts';
import type { VirtualTime } from './virtual-time.ts';

/**
 * Clock and timers of the simulated world itself, for what outlives every process: BMCs, guests,
 * stores, children of dead parents. The clock is true time.
 */
export function worldEnv(time: VirtualTime): Pick<Env, 'clock' | 'timers'> {
  const label = time.label('world');
  const clock: Clock = new HostClock(time);
  const timers: Timers = {
    after: (delayMs, action) => time.schedule(delayMs, action, label),
  };
  return { clock, timers };
}
