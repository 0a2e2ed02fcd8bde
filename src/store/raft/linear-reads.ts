import type { Env } from '../../env/env.ts';
import { SharedRound } from '../shared-round.ts';
import { Pending } from './pending.ts';

interface LinearReadsParts {
  readonly env: Pick<Env, 'clock' | 'timers'>;
  /** After this a read has failed. */
  readonly deadlineMs: number;
  /** A question without an answer is put again after this: there may just be no leader. */
  readonly retryMs: number;
  /** A new id for a question. */
  readonly nextId: () => string;
  /** Asks consensus what is committed; the answer comes by `told`, or never. */
  readonly ask: (id: string) => void;
  /** Index up to which this member has applied. */
  readonly applied: () => number;
}

/** Reads that see everything that was committed before they began; those of one turn share a round. */
export class LinearReads {
  readonly #parts: LinearReadsParts;
  readonly #answers: Pending<number | null>;
  readonly #round: SharedRound<number | null>;
  #waiting: { readonly index: number; readonly resolve: () => void }[] = [];
  #stopped = false;

  constructor(parts: LinearReadsParts) {
    this.#parts = parts;
    this.#answers = new Pending(parts.env.timers);
    this.#round = new SharedRound(() => this.#ask());
  }

  /** True once this member's state holds everything that was committed before the call. */
  async upToDate(): Promise<boolean> {
    const index = await this.#round.join();
    if (index === null) return false;
    if (this.#parts.applied() < index) {
      await new Promise<void>((resolve) => this.#waiting.push({ index, resolve }));
    }
    return !this.#stopped;
  }

  /** A quorum confirmed that `index` was committed when the question was put. */
  told(id: string, index: number): void {
    this.#answers.settle(id, index);
  }

  /** More has been applied. */
  onApplied(): void {
    if (this.#waiting.length === 0) return;
    const applied = this.#parts.applied();
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ index }) => index > applied);
    for (const { index, resolve } of waiting) if (index <= applied) resolve();
  }

  /** There may be a leader now that there was not: open questions are put again at once. */
  leaderChanged(): void {
    this.#answers.abandon();
  }

  stop(): void {
    this.#stopped = true;
    this.#answers.abandon();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  async #ask(): Promise<number | null> {
    const { env, deadlineMs, retryMs, nextId, ask } = this.#parts;
    const untilMs = env.clock.monotonicMs() + deadlineMs;
    while (!this.#stopped && env.clock.monotonicMs() < untilMs) {
      const id = nextId();
      const answer = this.#answers.wait(id, retryMs, null);
      ask(id);
      const index = await answer;
      if (index !== null) return index;
    }
    return null;
  }
}
