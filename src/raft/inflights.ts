/**
 * Appends on their way to one peer: a ring of their last indexes and sizes. Full when either the
 * number or the bytes reach their limit; the message that crosses the byte limit is still let out.
 */
export class Inflights {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #lastIndexes: number[] = [];
  #sizes: number[] = [];
  #head = 0;
  #bytes = 0;

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#lastIndexes.length - this.#head;
  }

  get full(): boolean {
    return this.count >= this.#maxCount || this.#bytes >= this.#maxBytes;
  }

  add(lastIndex: number, bytes: number): void {
    this.#lastIndexes.push(lastIndex);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  /** Everything up to and including `index` has arrived. */
  freeUpTo(index: number): void {
    const length = this.#lastIndexes.length;
    while (this.#head < length && (this.#lastIndexes[this.#head] as number) <= index) {
      this.#bytes -= this.#sizes[this.#head] as number;
      this.#head++;
    }
    if (this.#head === length) {
      this.reset();
    } else if (this.#head > 64 && this.#head > length >> 1) {
      this.#lastIndexes = this.#lastIndexes.slice(this.#head);
      this.#sizes = this.#sizes.slice(this.#head);
      this.#head = 0;
    }
  }

  reset(): void {
    if (this.#lastIndexes.length === 0) return;
    this.#lastIndexes = [];
    this.#sizes = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  clone(): Inflights {
    const copy = new Inflights(this.#maxCount, this.#maxBytes);
    for (let at = this.#head; at < this.#lastIndexes.length; at++) {
      copy.add(this.#lastIndexes[at] as number, this.#sizes[at] as number);
    }
    return copy;
  }
}
