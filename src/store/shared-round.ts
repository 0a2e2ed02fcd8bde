/**
 * Joins callers that wait for the same thing into rounds. Each caller gets a round that began after
 * its call, which is what makes an answer proof of leadership at some moment since then. A round
 * starts in a microtask, so that all calls of one turn share it.
 */
export class SharedRound<Answer> {
  readonly #run: () => Promise<Answer>;
  #running: Promise<unknown> | null = null;
  #next: Promise<Answer> | null = null;

  constructor(run: () => Promise<Answer>) {
    this.#run = run;
  }

  join(): Promise<Answer> {
    this.#next ??= this.#begin(this.#running ?? Promise.resolve());
    return this.#next;
  }

  async #begin(previous: Promise<unknown>): Promise<Answer> {
    await previous;
    this.#next = null;
    const round = this.#run();
    const settled = round.then(
      () => undefined,
      () => undefined,
    );
    this.#running = settled;
    try {
      return await round;
    } finally {
      if (this.#running === settled) this.#running = null;
    }
  }
}
