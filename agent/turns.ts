import type { Env } from '../src/env/env.ts';

/**
 * Lets so many pieces of work run at once; the others wait in order. One that waited begins in a
 * turn of the event loop of its own: hundreds of releases at once must not keep the heartbeats
 * waiting (FAILURES N15).
 */
export class Turns {
  readonly #timers: Env['timers'];
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(timers: Env['timers'], most: number) {
    this.#timers = timers;
    this.#most = most;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#most) this.#running += 1;
    // Whoever ends hands its place on, so it stays counted.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else this.#timers.after(0, next);
    }
  }
}
