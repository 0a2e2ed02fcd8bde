import type { Epoch, Revision } from '../core/model/ids.ts';
import type { Clock } from '../env/env.ts';
import type { Leadership } from '../store/store.ts';

/** A leadership that remembers when it was last confirmed, for telling how old a word of it is. */
export class NotedLeadership implements Leadership {
  readonly #leadership: Leadership;
  readonly #clock: Clock;
  #confirmedMs: number;

  constructor(leadership: Leadership, clock: Clock) {
    this.#leadership = leadership;
    this.#clock = clock;
    this.#confirmedMs = clock.monotonicMs();
  }

  get epoch(): Epoch {
    return this.#leadership.epoch;
  }

  get key(): string {
    return this.#leadership.key;
  }

  get createRevision(): Revision {
    return this.#leadership.createRevision;
  }

  get lost(): AbortSignal {
    return this.#leadership.lost;
  }

  /** When the last confirmed round was asked for; monotonic ms. */
  get confirmedMs(): number {
    return this.#confirmedMs;
  }

  isValid(): boolean {
    return this.#leadership.isValid();
  }

  async confirm(): Promise<boolean> {
    const askedMs = this.#clock.monotonicMs();
    const isConfirmed = await this.#leadership.confirm();
    if (isConfirmed) this.#confirmedMs = Math.max(this.#confirmedMs, askedMs);
    return isConfirmed;
  }

  resign(): Promise<void> {
    return this.#leadership.resign();
  }
}
