import type { Env } from '../src/env/env.ts';
import { Pause } from './pause.ts';

interface Lane {
  tail: Promise<unknown>;
  lastCommandEndMs: number;
}

/**
 * Serialises all traffic with each fence device: a BMC has few sessions and one thread, and a
 * second client makes both fail. One instance per manager, shared by fence operations, power-on
 * and the periodic checks.
 */
export class DeviceQueues {
  readonly #env: Env;
  readonly #lanes = new Map<string, Lane>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Runs a reading of the device as soon as it is free. */
  read<T>(device: string, task: () => Promise<T>): Promise<T> {
    return this.#enqueue(device, task);
  }

  /**
   * Runs a power command as soon as the device is free and `minIntervalMs` have passed since the
   * end of the last command. Readings go on until then.
   */
  async command<T>(device: string, minIntervalMs: number, task: () => Promise<T>): Promise<T> {
    const lane = this.#lane(device);
    const restMs = (): number =>
      lane.lastCommandEndMs + minIntervalMs - this.#env.clock.monotonicMs();
    for (;;) {
      if (restMs() > 0) await new Pause(this.#env.timers).wait(restMs());
      const ran = await this.#enqueue(device, async () => {
        // Another command may have come first; readings go before the rest of its interval.
        if (restMs() > 0) return null;
        try {
          return { result: await task() };
        } finally {
          lane.lastCommandEndMs = this.#env.clock.monotonicMs();
        }
      });
      if (ran !== null) return ran.result;
    }
  }

  #enqueue<T>(device: string, task: () => Promise<T>): Promise<T> {
    const lane = this.#lane(device);
    const result = lane.tail.then(task);
    lane.tail = result.catch(() => {});
    return result;
  }

  #lane(device: string): Lane {
    const known = this.#lanes.get(device);
    if (known !== undefined) return known;
    const lane: Lane = { tail: Promise.resolve(), lastCommandEndMs: -Infinity };
    this.#lanes.set(device, lane);
    return lane;
  }
}
