import type { Timers } from '../src/env/env.ts';

/** A wait that ends at its time or when woken, whichever comes first. One waiter at a time. */
export class Pause {
  readonly #timers: Timers;
  #end: (() => void) | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  wait(delayMs: number): Promise<void> {
    if (this.#end !== null) throw new Error('this pause has a waiter already');
    return new Promise((resolve) => {
      const timer = this.#timers.after(delayMs, () => this.#end?.());
      this.#end = () => {
        this.#end = null;
        timer.cancel();
        resolve();
      };
    });
  }

  /** Ends the wait at once; does nothing when nobody waits. */
  wake(): void {
    this.#end?.();
  }
}
