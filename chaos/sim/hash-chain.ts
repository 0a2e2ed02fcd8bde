/** 32-bit hash of a text (FNV-1a). For names and labels, not for untrusted input. */
export function textHash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/**
 * Running 64-bit fingerprint of a run: two 32-bit lanes with different multipliers. Order matters,
 * so two runs agree exactly when they did the same things in the same order. Integer arithmetic
 * only: it has the same result on every machine.
 */
export class HashChain {
  #low = 0x9e3779b9 | 0;
  #high = 0x85ebca6b | 0;

  /** Mixes the low 32 bits of an integer. */
  mix(value: number): void {
    const word = value | 0;
    const low = Math.imul(this.#low ^ word, 0x85ebca77);
    this.#low = ((low ^ (low >>> 15)) + this.#high) | 0;
    const high = Math.imul(this.#high ^ (word + 0x7f4a7c15), 0xc2b2ae3d);
    this.#high = ((high ^ (high >>> 13)) + low) | 0;
  }

  /** Mixes a whole number of up to 53 bits. */
  mixWide(value: number): void {
    this.mix(value);
    this.mix(value / 0x1_0000_0000);
  }

  /** 16 lower-case hex digits. */
  text(): string {
    return [this.#high, this.#low]
      .map((lane) => (lane >>> 0).toString(16).padStart(8, '0'))
      .join('');
  }
}
