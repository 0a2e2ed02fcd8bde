import type { Tally } from '../swarm/tally.ts';

const barWidth = 24;

/** A bar on one line of a terminal; silent when the output is not one. */
export class Progress {
  readonly #total: number;
  readonly #stream: NodeJS.WriteStream;
  readonly #startedMs = Date.now();
  #width = 0;

  constructor(total: number, stream: NodeJS.WriteStream = process.stderr) {
    this.#total = total;
    this.#stream = stream;
  }

  show(tally: Tally, violations: number): void {
    if (!this.#stream.isTTY) return;
    const share = Math.min(1, tally.seeds / Math.max(1, this.#total));
    const filled = Math.round(share * barWidth);
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    const seconds = Math.max(0.001, (Date.now() - this.#startedMs) / 1000);
    const rate = (tally.seeds / seconds).toFixed(0);
    const found = violations === 0 ? '' : `  ${violations} broken`;
    this.#write(`${bar} ${tally.seeds}/${this.#total}  ${rate} seeds/s${found}`);
  }

  end(): void {
    if (this.#stream.isTTY) this.#write('');
  }

  #write(text: string): void {
    this.#stream.write(`\r${text.padEnd(this.#width)}${text === '' ? '\r' : ''}`);
    this.#width = text.length;
  }
}
