import { createHook } from 'node:async_hooks';

/** What the simulation itself is made of: promise jobs, ticks, and the loop's own breather. */
const harmless: ReadonlySet<string> = new Set([
  'PROMISE',
  'Microtask',
  'TickObject',
  'Immediate',
  'AsyncContextFrame',
]);

/**
 * Notices completions that the simulator does not own. When simulated code starts a file read, a
 * real timer, a socket or a thread-pool hash, its end comes whenever the machine likes, and the run
 * is no longer a function of its seed. V8 reports every such start through async hooks; promises
 * are left out of the hook, which keeps its price near 10 %.
 */
export class RealAsyncGuard {
  #found: string | null = null;
  readonly #hook = createHook({
    init: (_id, type) => {
      // Throwing inside a hook ends the process, so the finding is kept for the loop to throw.
      if (this.#found === null && !harmless.has(type)) {
        this.#found = new Error(`real asynchronous work started: ${type}`).stack ?? type;
      }
    },
    trackPromises: false,
  });

  watch(): void {
    this.#hook.enable();
  }

  rest(): void {
    this.#hook.disable();
  }

  /** Kind and stack of the first finding, or null. */
  found(): string | null {
    return this.#found;
  }
}
