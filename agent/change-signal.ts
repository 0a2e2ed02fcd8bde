import type { Timers } from '../src/env/env.ts';

/** Lets operations wait for "something changed", always with a bound. */
export class ChangeSignal {
  readonly #timers: Timers;
  readonly #waiting = new Set<() => void>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  notify(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Ends at the next `notify`, or after `boundMs`. */
  wait(boundMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#timers.after(boundMs, wake);
      this.#waiting.add(wake);
    });
  }
}
