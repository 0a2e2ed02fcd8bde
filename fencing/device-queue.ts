import type { Env } from '../src/env/env.ts';
import { Pause } from './pause.ts';

/**
 * What goes first where several want the same device: commands of fence operations, then their
 * readings, then everything that only looks after the device.
 */
export type DeviceUrgency = 'command' | 'reading' | 'care';

const order: Readonly<Record<DeviceUrgency, number>> = { command: 0, reading: 1, care: 2 };

/** Which device, and the address that it shares with the other plugs of the same thing. */
export interface DeviceLane {
  readonly address: string;
  readonly device: string;
}

interface Waiting {
  readonly rank: number;
  run(): Promise<void>;
}

interface Lane {
  readonly waiting: Waiting[];
  isBusy: boolean;
}

/**
 * Serialises all traffic with each address: a BMC has few sessions and one thread, and a second
 * client makes both fail. One instance per manager, shared by fence operations, power-on and the
 * periodic checks.
 */
export class DeviceQueues {
  readonly #env: Env;
  readonly #lanes = new Map<string, Lane>();
  /** By device: a PDU that works on one plug may be told about the next at once. */
  readonly #lastCommandEndMs = new Map<string, number>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Runs a reading of the device as soon as its address is free and nothing urgenter waits. */
  read<T>(
    { address }: Pick<DeviceLane, 'address'>,
    task: () => Promise<T>,
    urgency: DeviceUrgency = 'reading',
  ): Promise<T> {
    return this.#enqueue(address, urgency, task);
  }

  /**
   * Runs a power command as soon as the address is free and `minIntervalMs` have passed since the
   * end of the device's last command. Readings go on until then.
   */
  async command<T>(
    { address, device }: DeviceLane,
    minIntervalMs: number,
    task: () => Promise<T>,
  ): Promise<T> {
    const restMs = (): number =>
      (this.#lastCommandEndMs.get(device) ?? -Infinity) +
      minIntervalMs -
      this.#env.clock.monotonicMs();
    for (;;) {
      if (restMs() > 0) await new Pause(this.#env.timers).wait(restMs());
      const ran = await this.#enqueue(address, 'command', async () => {
        // Another command may have come first; readings go before the rest of its interval.
        if (restMs() > 0) return null;
        try {
          return { result: await task() };
        } finally {
          this.#lastCommandEndMs.set(device, this.#env.clock.monotonicMs());
        }
      });
      if (ran !== null) return ran.result;
    }
  }

  #enqueue<T>(address: string, urgency: DeviceUrgency, task: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(address) ?? { waiting: [], isBusy: false };
    this.#lanes.set(address, lane);
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        try {
          resolve(await task());
        } catch (error) {
          reject(error);
        }
      };
      const rank = order[urgency];
      const before = lane.waiting.findIndex((other) => other.rank > rank);
      lane.waiting.splice(before < 0 ? lane.waiting.length : before, 0, { rank, run });
      if (!lane.isBusy) void this.#work(address, lane);
    });
  }

  async #work(address: string, lane: Lane): Promise<void> {
    lane.isBusy = true;
    // What asks in the same turn is weighed before the first of it runs.
    await Promise.resolve();
    for (let next = lane.waiting.shift(); next !== undefined; next = lane.waiting.shift()) {
      await next.run();
    }
    lane.isBusy = false;
    this.#lanes.delete(address);
  }
}
