/**
 * A seeded stream of random numbers (sfc32: 128 bits of state, period at least 2^32). Only integer
 * arithmetic, so that a seed means the same run on every machine.
 */
export class RandomStream {
  readonly #key: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(key: string) {
    this.#key = key;
    [this.#a, this.#b, this.#c] = keyState(key);
    // The first outputs still resemble the key.
    for (let round = 0; round < 12; round += 1) this.uint32();
  }

  /**
   * The stream of a part, by name. It depends on the seed and the names alone, never on what was
   * drawn before: a new draw in one subsystem does not reshuffle the others.
   */
  split(name: string): RandomStream {
    return new RandomStream(`${this.#key}/${name}`);
  }

  /** A whole number of 32 bits. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** A number in [from, to). */
  between(from: number, to: number): number {
    return from + this.fraction() * (to - from);
  }

  /** True with this probability. Draws exactly one number, whatever the probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of the items. Throws when there is none. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** A version 4 UUID. */
  uuid(): string {
    const hex = [this.uint32(), this.uint32(), this.uint32(), this.uint32()]
      .map((word) => word.toString(16).padStart(8, '0'))
      .join('');
    const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 3);
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `${variant}${hex.slice(17, 20)}`,
      hex.slice(20),
    ].join('-');
  }
}

/** The root stream of a run. Split it by subsystem; draw nothing from it directly. */
export function randomFromSeed(seed: number | string): RandomStream {
  return new RandomStream(String(seed));
}

/** Three well-mixed words of a text: each character reaches every word. */
function keyState(key: string): [number, number, number] {
  let a = 0x243f6a88;
  let b = 0x85a308d3;
  let c = 0x13198a2e;
  for (let index = 0; index < key.length; index += 1) {
    const code = key.charCodeAt(index);
    a = Math.imul(a ^ code, 0x9e3779b1) ^ (b >>> 7);
    b = Math.imul(b ^ code, 0x85ebca6b) ^ (c >>> 11);
    c = Math.imul(c ^ code, 0xc2b2ae35) ^ (a >>> 13);
  }
  return [a | 0, b | 0, c | 0];
}
