import type { Clock, Timer, Timers } from '../../env/env.ts';

export type Leg = 'request' | 'response' | 'note';

export interface LinkOptions {
  readonly client: string;
  /** The network's own timers: what was sent arrives although the sender is paused. */
  readonly networkTimers: Timers;
  /** The client's: a paused process sees neither answers nor deadlines. */
  readonly env: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly timers: Timers };
  readonly deadlineMs: number;
  /** 0 = in the same turn of the event loop. */
  readonly latencyMs: (client: string, leg: Leg) => number;
}

/** The path between one client and the cluster: slow, cut, or dead, as a simulation wants it. */
export class MemoryLink {
  readonly options: LinkOptions;
  #cut = false;
  #dead = false;
  #held: (() => void)[] = [];
  readonly #open = new Set<() => void>();

  constructor(options: LinkOptions) {
    this.options = options;
  }

  get isCut(): boolean {
    return this.#cut;
  }

  /** Requests and answers under way are lost; notes wait. */
  cut(): void {
    this.#cut = true;
  }

  heal(): void {
    this.#cut = false;
    for (const run of this.#held.splice(0)) this.note(run);
  }

  /** The client's process is gone: nothing reaches it any more, and nobody is told. */
  kill(): void {
    this.#cut = true;
    this.#dead = true;
    this.#held = [];
    this.#open.clear();
  }

  /** Evaluates at the cluster. Null when no answer came before the deadline: the effect is unknown. */
  call<Answer>(evaluate: () => Answer): Promise<Answer | null> {
    const { env, networkTimers, deadlineMs } = this.options;
    return new Promise((resolve) => {
      let deadline: Timer | null = null;
      const finish = (answer: Answer | null): void => {
        deadline?.cancel();
        this.#open.delete(giveUp);
        if (!this.#dead) resolve(answer);
      };
      const giveUp = (): void => finish(null);
      deadline = env.timers.after(deadlineMs, giveUp);
      this.#open.add(giveUp);
      this.#send('request', networkTimers, () => {
        const answer = evaluate();
        this.#send('response', env.timers, () => finish(answer));
      });
    });
  }

  /** Something the cluster tells by itself. Held back while the link is cut. */
  note(run: () => void): void {
    if (this.#dead) return;
    if (this.#cut) {
      this.#held.push(run);
      return;
    }
    const { client, env, latencyMs } = this.options;
    later(env.timers, latencyMs(client, 'note'), () => {
      if (this.#cut) this.note(run);
      else run();
    });
  }

  /** Whoever waits for an answer gets none. */
  close(): void {
    for (const giveUp of this.#open) giveUp();
  }

  #send(leg: Leg, timers: Timers, arrive: () => void): void {
    if (this.#cut) return;
    later(timers, this.options.latencyMs(this.options.client, leg), () => {
      if (!this.#cut) arrive();
    });
  }
}

function later(timers: Timers, delayMs: number, run: () => void): void {
  if (delayMs > 0) timers.after(delayMs, run);
  else queueMicrotask(run);
}
