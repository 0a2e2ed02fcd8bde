import type { Random } from '../../env/env.ts';

/** Delays that double up to a bound, each drawn from between 0 and its own bound (full jitter). */
export class Backoff {
  readonly #random: Random;
  readonly #baseMs: number;
  readonly #capMs: number;
  #failures = 0;

  constructor(options: {
    readonly random: Random;
    readonly baseMs: number;
    readonly capMs: number;
  }) {
    this.#random = options.random;
    this.#baseMs = options.baseMs;
    this.#capMs = options.capMs;
  }

  /** The delay after one more failure, in ms. */
  next(capMs = this.#capMs): number {
    const boundMs = Math.min(capMs, this.#baseMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return this.#random.fraction() * boundMs;
  }

  reset(): void {
    this.#failures = 0;
  }
}
