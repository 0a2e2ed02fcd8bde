import type { Env, Timer } from '../env/env.ts';
import type { ObservationBook } from './observation-book.ts';

/** Interval of the tick whose lateness is measured, in ms. */
const tickMs = 200;
/** Lateness that ordinary load explains, in ms. */
const toleratedMs = 300;

/**
 * Notices when this process was held up: paused, starved, or blocked. While it was, it heard
 * nobody, so deadlines are extended by its lateness (DESIGN §5). Runs for as long as the manager
 * listens, whether it leads or not: who was held up as a follower may lead a moment later.
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
    this.#lastMs = this.#env.clock.monotonicMs();
    this.#tick();
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

  #tick(): void {
    this.check();
    this.#timer = this.#env.timers.after(tickMs, () => this.#tick());
  }
}
