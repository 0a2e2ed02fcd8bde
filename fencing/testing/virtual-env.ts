import type { Env } from '../../src/env/env.ts';
import { noHttps } from '../../src/env/https.ts';
import type { LogFields, Log } from '../../src/env/log.ts';
import { noReach } from '../../src/env/reach.ts';
import type { Processes } from '../../src/env/processes.ts';

interface Entry {
  readonly atMs: number;
  readonly sequence: number;
  readonly action: () => void;
}

export interface LogLine {
  readonly level: string;
  readonly fields: LogFields;
  readonly message: string;
}

/**
 * An `Env` whose time passes only in `advance` and `until`. Promises settle between two timers.
 * Without network and disk; programs only when given.
 */
export class VirtualEnv {
  readonly env: Env;
  readonly lines: LogLine[] = [];
  readonly #entries = new Set<Entry>();
  #nowMs = 0;
  #sequence = 0;
  #randomState = 1;

  constructor(
    processes: (env: Pick<Env, 'clock' | 'timers' | 'random'>) => Processes = noProcesses,
  ) {
    const base = {
      clock: {
        monotonicMs: () => this.#nowMs,
        boottimeMs: () => this.#nowMs,
        wallIso: () => new Date(Date.UTC(2030, 0, 1) + this.#nowMs).toISOString(),
      },
      timers: { after: (delayMs: number, action: () => void) => this.#after(delayMs, action) },
      random: { fraction: () => this.#fraction(), uuid: () => this.#uuid() },
    };
    this.env = {
      ...base,
      processes: processes(base),
      https: noHttps,
      reach: noReach,
      log: this.#log({}),
      get network(): never {
        throw new Error('no network here');
      },
      get disk(): never {
        throw new Error('no disk here');
      },
    };
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Lets this much time pass. */
  async advance(durationMs: number): Promise<void> {
    await this.until(() => false, durationMs);
  }

  /** Lets time pass until the condition holds, at most `withinMs`; tells whether it held. */
  async until(condition: () => boolean, withinMs: number): Promise<boolean> {
    const endMs = this.#nowMs + withinMs;
    for (;;) {
      await settled();
      if (condition()) return true;
      const next = this.#next();
      if (next === null || next.atMs > endMs) break;
      this.#entries.delete(next);
      this.#nowMs = next.atMs;
      next.action();
    }
    this.#nowMs = endMs;
    return false;
  }

  /** Lets time pass until the promise settles. */
  async settle<T>(promise: Promise<T>, withinMs = 600_000): Promise<T> {
    let done = false;
    const watched = promise.finally(() => {
      done = true;
    });
    watched.catch(() => {});
    if (!(await this.until(() => done, withinMs))) {
      throw new Error(`not settled within ${withinMs} ms of virtual time`);
    }
    return watched;
  }

  #after(delayMs: number, action: () => void): { cancel(): void } {
    this.#sequence += 1;
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const entry: Entry = { atMs, sequence: this.#sequence, action };
    this.#entries.add(entry);
    return { cancel: () => void this.#entries.delete(entry) };
  }

  #next(): Entry | null {
    let first: Entry | null = null;
    for (const entry of this.#entries) {
      const earlier =
        first === null ||
        entry.atMs < first.atMs ||
        (entry.atMs === first.atMs && entry.sequence < first.sequence);
      if (earlier) first = entry;
    }
    return first;
  }

  #fraction(): number {
    this.#randomState = (Math.imul(this.#randomState, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#randomState / 0x1_0000_0000;
  }

  #uuid(): string {
    const digits = Array.from({ length: 32 }, () => Math.floor(this.#fraction() * 16).toString(16));
    return digits.join('').replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
  }

  #log(bound: LogFields): Log {
    const write = (level: string) => (fields: LogFields, message: string) => {
      this.lines.push({ level, fields: { ...bound, ...fields }, message });
    };
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => this.#log({ ...bound, ...fields }),
    };
  }
}

/** Resolves when every promise that can settle without time passing has settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function noProcesses(): Processes {
  return {
    run: () => Promise.resolve({ kind: 'notStarted', because: 'ENOENT: no programs here' }),
  };
}
