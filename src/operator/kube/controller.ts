import type { Env } from '../../env/env.ts';
import type { ObjectStore } from './object-store.ts';
import { pause } from './pause.ts';
import { WorkQueue } from './work-queue.ts';

/** What a look at one object came to. A lasting problem is a condition in its status, not a throw. */
export type Reconciled =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly afterMs: number };

export const done: Reconciled = { kind: 'done' };
export const again = (afterMs: number): Reconciled => ({ kind: 'again', afterMs });

const resyncMs = 10 * 60_000;
/** Share of the resync's period by which it varies, so that many kinds do not resync together. */
const resyncJitter = 0.1;
/** Keys that a resync adds at once, and the pause after them. */
const resyncBatch = 100;
const resyncPauseMs = 50;

/**
 * Brings objects to what they should be, one at a time each, by a function that is told which and
 * nothing of what happened: it reads the store. A throw is a try that failed and is made again.
 */
export class Controller {
  readonly queue: WorkQueue;
  /** Looks that failed. */
  failures = 0;
  readonly #env: Pick<Env, 'timers' | 'random' | 'log'>;
  readonly #name: string;
  readonly #store: Pick<ObjectStore, 'keys'>;
  readonly #reconcile: (key: string, signal: AbortSignal) => Promise<Reconciled>;
  readonly #workers: number;

  constructor(options: {
    readonly env: Pick<Env, 'timers' | 'random' | 'log'>;
    readonly name: string;
    readonly store: Pick<ObjectStore, 'keys'>;
    readonly reconcile: (key: string, signal: AbortSignal) => Promise<Reconciled>;
    readonly workers: number;
  }) {
    this.#env = options.env;
    this.#name = options.name;
    this.#store = options.store;
    this.#reconcile = options.reconcile;
    this.#workers = options.workers;
    this.queue = new WorkQueue(options.env);
  }

  /** Works until the signal fires, and ends when what was begun has ended. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.queue.stop();
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    await Promise.all([
      this.#resync(signal),
      ...Array.from({ length: this.#workers }, () => this.#work(signal)),
    ]);
    signal.removeEventListener('abort', stop);
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.queue.take();
      if (key === null) return;
      await this.#look(key, signal);
      this.queue.done(key);
    }
  }

  async #look(key: string, signal: AbortSignal): Promise<void> {
    try {
      const result = await this.#reconcile(key, signal);
      this.queue.forget(key);
      if (result.kind === 'again') this.queue.addAfter(key, result.afterMs);
    } catch (error) {
      if (signal.aborted) return;
      this.failures += 1;
      this.#env.log.warn({ err: error, controller: this.#name, key }, 'an object is tried again');
      this.queue.retry(key);
    }
  }

  async #resync(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const jitter = 1 + (this.#env.random.fraction() * 2 - 1) * resyncJitter;
      await pause(this.#env, resyncMs * jitter, signal);
      const keys = this.#store.keys();
      for (let at = 0; at < keys.length && !signal.aborted; at += resyncBatch) {
        for (const key of keys.slice(at, at + resyncBatch)) this.queue.add(key);
        await pause(this.#env, resyncPauseMs, signal);
      }
    }
  }
}
