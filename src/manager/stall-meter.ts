import type { Env, Timer } from '../env/env.ts';
import type { ObservationBook } from './observation-book.ts';

/** Interval of the tick whose lateness is measured, in ms. */
const tickMs = 200;
/** Lateness that ordinary load explains, in ms. */
const toleratedMs = 300;

/**
 * Notices when this process was held up: paused, starved, or blocked. While it was, it heard
 * nobody, so deadlines are extended by its lateness (DESIGN §5).
 */
export class StallMeter {
  readonly #env: Env;
  readonly #book: ObservationBook;
  #lastMs: number;
  #timer: Timer | null = null;

  constructor(env: Env, book: ObservationBook) {
    this.#env = env;
    this.#book = book;
    this.#lastMs = env.clock.monotonicMs();
  }

  start(): void {
    this.check();
    this.#timer = this.#env.timers.after(tickMs, () => this.start());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Called before every decision too, since another timer may fire before the late tick. */
  check(): void {
    const nowMs = this.#env.clock.monotonicMs();
    const lateMs = nowMs - this.#lastMs - tickMs;
    this.#lastMs = nowMs;
    if (lateMs <= toleratedMs) return;
    this.#env.log.warn({ lateMs: Math.round(lateMs) }, 'this manager was held up');
    this.#book.stalled(lateMs);
  }
}
