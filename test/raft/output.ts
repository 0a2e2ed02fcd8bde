import type { Logger } from '../../src/raft/types.ts';

export const levels = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'NONE'] as const;

/** What one command prints: its text and the log lines of the nodes, in the order in which they come. */
export class Output implements Logger {
  /** Index of the lowest level that is printed; at `NONE` nothing is, text neither. */
  level = 0;
  #text = '';

  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  get quiet(): boolean {
    return levels[this.level] === 'NONE';
  }

  write(text: string): void {
    if (!this.quiet) this.#text += text;
  }

  /** Errors are printed at every level. */
  writeAlways(text: string): void {
    this.#text += text;
  }

  /** Two spaces before every line that `print` writes. */
  indented(print: () => void): void {
    const before = this.take();
    try {
      print();
    } finally {
      const inner = this.take();
      const lines = inner.endsWith('\n') ? inner.slice(0, -1).split('\n') : inner.split('\n');
      const shifted = inner === '' ? '' : lines.map((line) => `  ${line}\n`).join('');
      this.#text = before + shifted;
    }
  }

  debug(text: string): void {
    this.#log(0, text);
  }

  info(text: string): void {
    this.#log(1, text);
  }

  warn(text: string): void {
    this.#log(2, text);
  }

  error(text: string): void {
    this.#log(3, text);
  }

  fatal(text: string): void {
    this.#log(4, text);
  }

  #log(level: number, text: string): void {
    if (level >= this.level) this.#text += `${levels[level]} ${text}\n`;
  }
}

const logLine = /^\s*(?:DEBUG|INFO|WARN|ERROR|FATAL) /;

/**
 * The text without log lines, which are nobody's interface. Nothing left is `ok`; so is the older
 * suites' `ok (quiet)`, which only adds that something was kept back at level `NONE`.
 */
export function withoutLogLines(text: string): string {
  const kept = text
    .replace(/\n+$/, '')
    .split('\n')
    .filter((line) => !logLine.test(line));
  const rest = kept.join('\n');
  return rest === '' || rest === 'ok (quiet)' ? 'ok' : rest;
}
