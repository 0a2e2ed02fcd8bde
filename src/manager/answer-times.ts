/** Answers whose times are kept: a heartbeat echoes one of the last few. */
const kept = 64;

/** When the last answers to the heartbeats of one session were sent. */
export class AnswerTimes {
  readonly #sequences = new Float64Array(kept).fill(Number.NaN);
  readonly #times = new Float64Array(kept);
  #count = 0;

  /** The heartbeat of this sequence is answered now; monotonic ms. */
  note(sequence: number, nowMs: number): void {
    const slot = this.#count % kept;
    this.#sequences[slot] = sequence;
    this.#times[slot] = nowMs;
    this.#count += 1;
  }

  /** When the heartbeat of this sequence was answered last; null = never, or too long ago. */
  sentMs(sequence: number): number | null {
    for (let back = 1; back <= kept; back += 1) {
      const slot = (this.#count - back + kept) % kept;
      if (this.#sequences[slot] === sequence) return this.#times[slot] ?? null;
    }
    return null;
  }
}
