import type { Clock, Timers } from '../../src/env/env.ts';
import type { LibvirtEnv } from '../../agent/libvirt/libvirt-env.ts';
import { silentLog } from './test-env.ts';

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** A clock that moves only when a test moves it, and then straight to the next timer. */
export class VirtualTime {
  #nowMs = 0;
  #order = 0;
  #seed = 1;
  readonly #pending = new Set<Pending>();

  readonly timers: Timers = {
    after: (delayMs, action) => {
      this.#order += 1;
      const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, action };
      this.#pending.add(timer);
      return { cancel: () => void this.#pending.delete(timer) };
    },
  };

  readonly clock: Clock = {
    monotonicMs: () => this.#nowMs,
    boottimeMs: () => this.#nowMs,
    wallIso: () => new Date(this.#nowMs).toISOString(),
  };

  get nowMs(): number {
    return this.#nowMs;
  }

  get pendingTimers(): number {
    return this.#pending.size;
  }

  env(): LibvirtEnv {
    const fraction = (): number => {
      this.#seed = (this.#seed * 48_271) % 2_147_483_647;
      return this.#seed / 2_147_483_647;
    };
    const random = { fraction, uuid: () => `00000000-0000-4000-8000-${this.#order}` };
    return { clock: this.clock, timers: this.timers, random, log: silentLog };
  }

  /** Runs timers until `delayMs` from now; promises settle between them. */
  async advance(delayMs: number): Promise<void> {
    const end = this.#nowMs + delayMs;
    await drained();
    for (let next = this.#next(); next !== null && next.dueMs <= end; next = this.#next()) {
      this.#run(next);
      await drained();
    }
    this.#nowMs = end;
  }

  /** Lets time pass until the promise ends; throws when it has not within `limitMs`. */
  async settle<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    const end = this.#nowMs + limitMs;
    const state = { pending: true };
    const finished = (): void => {
      state.pending = false;
    };
    promise.then(finished, finished);
    await drained();
    while (state.pending) {
      const next = this.#next();
      if (next === null || next.dueMs > end) throw new Error(`not settled within ${limitMs} ms`);
      this.#run(next);
      await drained();
    }
    return promise;
  }

  /** Lets time pass until `check` holds; throws when it does not within `limitMs`. */
  async until(what: string, check: () => boolean, limitMs = 120_000): Promise<void> {
    const end = this.#nowMs + limitMs;
    await drained();
    while (!check()) {
      const next = this.#next();
      if (next === null || next.dueMs > end) throw new Error(`not within ${limitMs} ms: ${what}`);
      this.#run(next);
      await drained();
    }
  }

  #next(): Pending | null {
    let first: Pending | null = null;
    for (const each of this.#pending) {
      const earlier =
        first === null ||
        each.dueMs < first.dueMs ||
        (each.dueMs === first.dueMs && each.order < first.order);
      if (earlier) first = each;
    }
    return first;
  }

  #run(timer: Pending): void {
    this.#pending.delete(timer);
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
    timer.action();
  }
}

/** Ends when every promise that can go on has gone on. */
function drained(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
