import type { Clock } from '../../env/env.ts';

const kept = 64;

/** How long the disk took for the recent syncs, the running one included. */
export class SyncTimes {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #recent: number[] = [];
  #startedAt: number | null = null;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Times one sync, also one that fails. One at a time. */
  async time<Value>(sync: () => Promise<Value>): Promise<Value> {
    this.#startedAt = this.#clock.monotonicMs();
    try {
      return await sync();
    } finally {
      this.#recent.push(this.#clock.monotonicMs() - this.#startedAt);
      if (this.#recent.length > kept) this.#recent.shift();
      this.#startedAt = null;
    }
  }

  /** The slowest, in ms; a sync that hangs counts with the time it has taken so far. */
  slowestMs(): number {
    return Math.max(this.runningMs(), ...this.#recent);
  }

  /** How long the present sync has taken so far, in ms; 0 when there is none. */
  runningMs(): number {
    return this.#startedAt === null ? 0 : this.#clock.monotonicMs() - this.#startedAt;
  }

  /** The last finished sync, in ms; 0 before the first. */
  lastMs(): number {
    return this.#recent.at(-1) ?? 0;
  }
}
