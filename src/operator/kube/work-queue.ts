import type { Env, Timer } from '../../env/env.ts';
import { Backoff } from './backoff.ts';
import { namespaceOf } from './resource.ts';

const firstRetryMs = 200;
const longestRetryMs = 60_000;

/**
 * Keys that are to be looked at. A key is in it once at most, and one worker has it at a time; what is
 * added while it is worked on comes back afterwards. Namespaces take turns, so that ten thousand changes
 * in one keep no other waiting.
 */
export class WorkQueue {
  readonly #env: Pick<Env, 'timers' | 'random'>;
  /** Keys that wait, by namespace; the order of the map is the order of turns. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #working = new Set<string>();
  /** Added while they were worked on. */
  readonly #again = new Set<string>();
  readonly #later = new Map<string, { readonly timer: Timer; readonly token: symbol }>();
  readonly #backoffs = new Map<string, Backoff>();
  readonly #takers: ((key: string | null) => void)[] = [];
  #isStopped = false;

  constructor(env: Pick<Env, 'timers' | 'random'>) {
    this.#env = env;
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    let depth = 0;
    for (const keys of this.#waiting.values()) depth += keys.size;
    return depth;
  }

  add(key: string): void {
    if (this.#isStopped) return;
    this.#cancelLater(key);
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    const namespace = namespaceOf(key);
    const keys = this.#waiting.get(namespace) ?? new Set<string>();
    this.#waiting.set(namespace, keys.add(key));
    this.#serve();
  }

  /** Adds it when the time has passed, unless it is added before. An earlier time that was set wins. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isStopped || this.#later.has(key)) return;
    const token = Symbol(key);
    const timer = this.#env.timers.after(delayMs, () => {
      if (this.#later.get(key)?.token !== token) return;
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, { timer, token });
  }

  /** Adds it after a delay that grows with every try since `forget`. */
  retry(key: string): void {
    const backoff =
      this.#backoffs.get(key) ??
      new Backoff({ random: this.#env.random, baseMs: firstRetryMs, capMs: longestRetryMs });
    this.#backoffs.set(key, backoff);
    this.addAfter(key, backoff.next());
  }

  /** Its next retry is its first. */
  forget(key: string): void {
    this.#backoffs.delete(key);
  }

  /** The next key, to be given back by `done`; null once stopped. */
  take(): Promise<string | null> {
    if (this.#isStopped) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#serve();
    });
  }

  done(key: string): void {
    this.#working.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.clear();
    for (const { timer } of this.#later.values()) timer.cancel();
    this.#later.clear();
    for (const taker of this.#takers.splice(0)) taker(null);
  }

  #serve(): void {
    while (this.#takers.length > 0) {
      const key = this.#nextKey();
      if (key === null) return;
      this.#working.add(key);
      this.#takers.shift()?.(key);
    }
  }

  #nextKey(): string | null {
    for (const [namespace, keys] of this.#waiting) {
      for (const key of keys) {
        keys.delete(key);
        // To the end of the turns.
        this.#waiting.delete(namespace);
        if (keys.size > 0) this.#waiting.set(namespace, keys);
        return key;
      }
    }
    return null;
  }

  #cancelLater(key: string): void {
    this.#later.get(key)?.timer.cancel();
    this.#later.delete(key);
  }
}
