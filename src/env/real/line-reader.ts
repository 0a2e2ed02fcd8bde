const newline = 0x0a;

export type Lines =
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  | { readonly kind: 'tooLong' };

/** Cuts a byte stream into lines of bounded length. Every byte is looked at once. */
export class LineReader {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that this chunk completes, without their ends. After `tooLong` stop reading. */
  push(chunk: Uint8Array): Lines {
    const lines: string[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(newline, start);
      const part = chunk.subarray(start, end === -1 ? chunk.length : end);
      if (this.#waitingBytes + part.length > this.#maxBytes) return { kind: 'tooLong' };
      this.#parts.push(part);
      this.#waitingBytes += part.length;
      if (end === -1) return { kind: 'lines', lines };
      lines.push(this.#take());
      start = end + 1;
    }
  }

  #take(): string {
    const line = Buffer.concat(this.#parts).toString('utf8');
    this.#parts = [];
    this.#waitingBytes = 0;
    return line;
  }
}
