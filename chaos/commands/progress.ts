const barWidth = 24;

/** A bar on one line of a terminal; silent when the output is not one. */
export class Progress {
  readonly #total: number;
  readonly #what: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #startedMs = Date.now();
  #width = 0;

  constructor(total: number, what: string, stream: NodeJS.WriteStream = process.stderr) {
    this.#total = total;
    this.#what = what;
    this.#stream = stream;
  }

  show(done: number, bad: number, badly: string): void {
    if (!this.#stream.isTTY) return;
    const share = Math.min(1, done / Math.max(1, this.#total));
    const filled = Math.round(share * barWidth);
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    const seconds = Math.max(0.001, (Date.now() - this.#startedMs) / 1000);
    const rate = (done / seconds).toFixed(done / seconds < 10 ? 1 : 0);
    const found = bad === 0 ? '' : `  ${bad} ${badly}`;
    this.#write(`${bar} ${done}/${this.#total}  ${rate} ${this.#what}/s${found}`);
  }

  end(): void {
    if (this.#stream.isTTY) this.#write('');
  }

  #write(text: string): void {
    this.#stream.write(`\r${text.padEnd(this.#width)}${text === '' ? '\r' : ''}`);
    this.#width = text.length;
  }
}
