import type { EventLabel, VirtualTime } from './virtual-time.ts';

/** `crash`: the kernel closes its sockets. `powerLoss`: nobody hears anything. */
export type DeathCause = 'crash' | 'powerLoss';

/** Who holds the process: a signal (SIGSTOP, a long collection), or its whole host. */
export type PauseReason = 'stopped' | 'host' | 'starved';

/**
 * One simulated operating system process: the gate through which everything enters and leaves the
 * code of one agent or manager.
 *
 * Between two events JavaScript code only ever waits for a completion, and every completion comes
 * through this gate. So a dead process is perfectly dead although its promises still exist, and a
 * paused one sees time pass without acting. What a paused process sends is held too: a pause can
 * thus fall between a check and the send that follows it in the same turn (`beforeEffect`).
 */
export class SimProcess {
  readonly name: string;
  readonly #time: VirtualTime;
  readonly #resumeLabel: EventLabel;
  readonly #pauses = new Set<PauseReason>();
  readonly #deathListeners: ((cause: DeathCause) => void)[] = [];
  /** What wants to reach the code, and what the code already sent. */
  #heldIn: (() => void)[] = [];
  #heldOut: (() => void)[] = [];
  #flushing = false;
  #dead = false;
  /** What enters must queue up: it is paused, or has not caught up with what waited meanwhile. */
  #holdsIn = false;
  #effects = 0;
  #armed: { readonly at: number; readonly act: () => void } | null = null;

  constructor(time: VirtualTime, name: string) {
    this.name = name;
    this.#time = time;
    this.#resumeLabel = time.label(`${name} resumes`);
  }

  get dead(): boolean {
    return this.#dead;
  }

  get paused(): boolean {
    return this.#pauses.size > 0;
  }

  /** Effects this process has had on the world: messages, disk calls, programs. */
  get effects(): number {
    return this.#effects;
  }

  /** Something reaches the process: runs now, after the pause, or never. Order is kept. */
  enter(action: () => void): void {
    if (this.#dead) return;
    if (this.#holdsIn) this.#heldIn.push(action);
    else action();
  }

  /** As `enter`, for what happens often: no closure is made unless it must wait. */
  enterWith<T>(action: (value: T) => void, value: T): void {
    if (this.#dead) return;
    if (this.#holdsIn) this.#heldIn.push(() => action(value));
    else action(value);
  }

  /** The process acts on the world: runs now, after the pause, or never. Order is kept. */
  effect(action: () => void): void {
    if (!this.#begins()) return;
    if (this.paused) this.#heldOut.push(action);
    else action();
  }

  /** As `effect`, for what happens often: no closure is made unless it must wait. */
  effectWith<T>(action: (value: T) => void, value: T): void {
    if (!this.#begins()) return;
    if (this.paused) this.#heldOut.push(() => action(value));
    else action(value);
  }

  /** One more effect is due. False when the process is dead, perhaps from this very moment on. */
  #begins(): boolean {
    if (this.#dead) return false;
    this.#effects += 1;
    const armed = this.#armed;
    if (armed !== null && this.#effects >= armed.at) {
      this.#armed = null;
      armed.act();
    }
    return !this.#dead;
  }

  /** An asynchronous call on the world; its end reaches the process through the gate. */
  call<T>(start: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.effect(() => {
        start().then(
          (value) => this.enter(() => resolve(value)),
          (error: unknown) => this.enter(() => reject(error)),
        );
      });
    });
  }

  /**
   * Calls `act` just before the process has its `count`th effect from now; `act` may pause or kill
   * it, and then that effect is held or lost. One at a time: a second call replaces the first.
   */
  beforeEffect(count: number, act: () => void): void {
    this.#armed = { at: this.#effects + count, act };
  }

  pause(reason: PauseReason): void {
    if (this.#dead) return;
    this.#pauses.add(reason);
    this.#holdsIn = true;
  }

  /**
   * Ends the pause for this reason. With the last reason gone, what was sent leaves at once, and
   * what waits to come in follows in order, each as an event.
   */
  resume(reason: PauseReason): void {
    if (!this.#pauses.delete(reason) || this.paused) return;
    const out = this.#heldOut;
    this.#heldOut = [];
    this.#holdsIn = this.#heldIn.length > 0;
    for (const action of out) action();
    this.#flush();
  }

  kill(cause: DeathCause): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#heldIn = [];
    this.#heldOut = [];
    this.#holdsIn = false;
    for (const listener of this.#deathListeners) listener(cause);
  }

  /** For what the process holds in the world: sockets, locks, children. Called once. */
  onDeath(listener: (cause: DeathCause) => void): void {
    this.#deathListeners.push(listener);
  }

  #flush(): void {
    this.#holdsIn = this.paused || this.#heldIn.length > 0;
    if (this.#flushing || this.#dead || this.paused || this.#heldIn.length === 0) return;
    this.#flushing = true;
    this.#time.schedule(0, () => this.#runHeld(), this.#resumeLabel);
  }

  #runHeld(): void {
    this.#flushing = false;
    if (this.#dead || this.paused) return;
    const action = this.#heldIn[0];
    action?.();
    // Only now: what enters while it runs must queue up behind the rest.
    this.#heldIn.shift();
    this.#flush();
  }
}
