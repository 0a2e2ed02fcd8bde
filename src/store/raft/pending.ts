import type { Timers } from '../../env/env.ts';

interface Waiting<Answer> {
  readonly settle: (answer: Answer) => void;
  readonly late: Answer;
}

/** Callers that wait for something that comes back under an id, each until its deadline. */
export class Pending<Answer> {
  readonly #timers: Timers;
  readonly #waiting = new Map<string, Waiting<Answer>>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves with the answer, or with `late` when none came in time. */
  wait(id: string, deadlineMs: number, late: Answer): Promise<Answer> {
    return new Promise((resolve) => {
      const settle = (answer: Answer): void => {
        this.#waiting.delete(id);
        timer.cancel();
        resolve(answer);
      };
      const timer = this.#timers.after(deadlineMs, () => settle(late));
      this.#waiting.set(id, { settle, late });
    });
  }

  /** False when nobody waits for it here. */
  settle(id: string, answer: Answer): boolean {
    const waiting = this.#waiting.get(id);
    waiting?.settle(answer);
    return waiting !== undefined;
  }

  /** Nothing will come any more: whoever waits is answered as at the deadline. */
  abandon(): void {
    for (const { settle, late } of this.#waiting.values()) settle(late);
  }
}
