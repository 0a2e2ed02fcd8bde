import type { Log, LogFields } from '../../src/env/log.ts';
import { textHash32 } from './hash-chain.ts';
import type { VirtualTime } from './virtual-time.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogEntry {
  readonly atMs: number;
  readonly source: string;
  readonly level: LogLevel;
  readonly fields: LogFields;
  readonly message: string;
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * The last log lines of a whole simulation, for the report of a failed run. Every line is mixed
 * into the run's hash: two runs that log differently were different.
 */
export class LogRing {
  readonly #time: VirtualTime;
  readonly #capacity: number;
  readonly #entries: LogEntry[] = [];
  #next = 0;
  /** Hears every line, kept or not. */
  onLine: (entry: LogEntry) => void = () => undefined;

  constructor(time: VirtualTime, capacity = 2000) {
    this.#time = time;
    this.#capacity = capacity;
  }

  /** A log whose lines carry this source, for example `node-1 agent`. */
  from(source: string): Log {
    return this.#log(source, {});
  }

  /** What is kept, oldest first; with a level, only that level and above. */
  entries(atLeast: LogLevel = 'debug'): readonly LogEntry[] {
    const ordered = [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)];
    const lowest = levels.indexOf(atLeast);
    return ordered.filter((entry) => levels.indexOf(entry.level) >= lowest);
  }

  /** `entries` as text, one line each. */
  lines(atLeast: LogLevel = 'debug'): readonly string[] {
    return this.entries(atLeast).map(formatEntry);
  }

  #log(source: string, context: LogFields): Log {
    const at =
      (level: LogLevel) =>
      (fields: LogFields, message: string): void =>
        this.#add({
          atMs: this.#time.nowMs,
          source,
          level,
          fields: { ...context, ...fields },
          message,
        });
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => this.#log(source, { ...context, ...fields }),
    };
  }

  #add(entry: LogEntry): void {
    this.#time.mix(textHash32(entry.message));
    this.onLine(entry);
    if (this.#entries.length < this.#capacity) {
      this.#entries.push(entry);
      return;
    }
    this.#entries[this.#next] = entry;
    this.#next = (this.#next + 1) % this.#capacity;
  }
}

function formatEntry(entry: LogEntry): string {
  const at = (entry.atMs / 1000).toFixed(6).padStart(12);
  const fields = Object.entries(entry.fields)
    .map(([key, value]) => `${key}=${formatValue(value)}`)
    .join(' ');
  const head = `${at} ${entry.level.padEnd(5)} ${entry.source}: ${entry.message}`;
  return fields === '' ? head : `${head} ${fields}`;
}

function formatValue(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
}
