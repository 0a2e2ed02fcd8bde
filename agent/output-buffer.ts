/**
 * Bytes that wait for their reader, up to a bound. Over it, `leaveOut` forgets the oldest and says so in
 * their place; `fail` takes no more.
 */
export class OutputBuffer {
  readonly #bound: { readonly maxBytes: number; readonly over: 'leaveOut' | 'fail' };
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #leftOut = 0;

  constructor(bound: { readonly maxBytes: number; readonly over: 'leaveOut' | 'fail' }) {
    this.#bound = bound;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0 && this.#leftOut === 0;
  }

  /** False = there is no room for it. */
  push(bytes: Uint8Array): boolean {
    if (bytes.byteLength === 0) return true;
    const { maxBytes, over } = this.#bound;
    if (over === 'fail' && this.#bytes + bytes.byteLength > maxBytes) return false;
    this.#pieces.push(bytes);
    this.#bytes += bytes.byteLength;
    while (this.#bytes > maxBytes) this.#leaveOut(this.#bytes - maxBytes);
    return true;
  }

  /** The next bytes, at most so many; null = none wait. What was left out is told first, in full. */
  take(most: number): Uint8Array | null {
    if (this.#leftOut > 0) {
      const text = `\r\n[${this.#leftOut} bytes left out]\r\n`;
      this.#leftOut = 0;
      return new TextEncoder().encode(text);
    }
    const [first] = this.#pieces;
    if (first === undefined) return null;
    if (first.byteLength <= most) this.#pieces.shift();
    else this.#pieces[0] = first.subarray(most);
    const taken = first.subarray(0, most);
    this.#bytes -= taken.byteLength;
    return taken;
  }

  #leaveOut(count: number): void {
    const [first] = this.#pieces;
    if (first === undefined) return;
    const dropped = Math.min(count, first.byteLength);
    if (dropped === first.byteLength) this.#pieces.shift();
    else this.#pieces[0] = first.subarray(dropped);
    this.#bytes -= dropped;
    this.#leftOut += dropped;
  }
}
