import { EventHeap } from './event-heap.ts';
import type { HeapEntry } from './event-heap.ts';
import { HashChain, textHash32 } from './hash-chain.ts';
import { drainMicrotasks } from './microtasks.ts';
import { RealAsyncGuard } from './real-async-guard.ts';
import { RejectionWatch } from './rejection-watch.ts';

export interface VirtualTimer {
  /** The action will not be called any more. Does nothing after it was called. */
  cancel(): void;
}

/** A name for a kind of event, in traces and in the hash. Made once by `VirtualTime.label`. */
export interface EventLabel {
  readonly text: string;
  readonly hash: number;
}

export interface TraceLine {
  readonly atMs: number;
  readonly sequence: number;
  readonly label: string;
}

export interface VirtualTimeOptions {
  /** Fail the run when simulated code starts real I/O or a real timer. Default true. */
  readonly guard?: boolean;
  /** How many of the last events `trace` tells. Default 1024. */
  readonly traceLength?: number;
}

const unlabelled: EventLabel = { text: 'event', hash: 0 };

/** Events between two visits to the real event loop: a worker whose parent is gone ends there. */
const eventsPerTurn = 2048;

/** More events than this without time moving on are a loop that never ends. */
const eventsPerInstant = 100_000;

class ScheduledEvent implements HeapEntry, VirtualTimer {
  cancelled = false;
  readonly atUs: number;
  readonly sequence: number;
  readonly label: EventLabel;
  readonly action: () => void;
  readonly #heap: EventHeap<ScheduledEvent>;

  constructor(
    heap: EventHeap<ScheduledEvent>,
    atUs: number,
    sequence: number,
    label: EventLabel,
    action: () => void,
  ) {
    this.#heap = heap;
    this.atUs = atUs;
    this.sequence = sequence;
    this.label = label;
    this.action = action;
  }

  cancel(): void {
    this.#heap.cancel(this);
  }
}

/**
 * The simulator's clock and scheduler: one heap on (time, sequence), whole microseconds.
 *
 * Between two events every microtask has run: the loop runs them itself (`drainMicrotasks`). So
 * nothing is counted or guessed, no event loop turn is paid, and code under test may be as deeply
 * async as it likes. What it may not do is wait for anything real; the guard makes that an error.
 */
export class VirtualTime {
  readonly #heap = new EventHeap<ScheduledEvent>();
  readonly #chain = new HashChain();
  readonly #labels = new Map<string, EventLabel>();
  readonly #guard: RealAsyncGuard | null;
  readonly #trace: (ScheduledEvent | undefined)[];
  #nowUs = 0;
  #sequence = 0;
  #executed = 0;
  #atThisInstant = 0;
  #running = false;

  constructor(options: VirtualTimeOptions = {}) {
    this.#guard = (options.guard ?? true) ? new RealAsyncGuard() : null;
    this.#trace = Array.from({ length: options.traceLength ?? 1024 });
  }

  get nowMs(): number {
    return this.#nowUs / 1000;
  }

  /** Events executed so far. */
  get executed(): number {
    return this.#executed;
  }

  /** Events waiting, cancelled ones not counted. */
  get pending(): number {
    return this.#heap.size;
  }

  /** The label of this text; the same object every time. Make it once, not per event. */
  label(text: string): EventLabel {
    const known = this.#labels.get(text);
    if (known !== undefined) return known;
    const label = { text, hash: textHash32(text) };
    this.#labels.set(text, label);
    return label;
  }

  /**
   * Calls `action` once, `delayMs` from now, rounded up to a whole microsecond. Negative delays
   * count as 0; equal times keep the order of scheduling. An exception of `action` fails the run,
   * and so does a promise that is rejected and nobody handles: either would end a real process.
   */
  schedule(delayMs: number, action: () => void, label: EventLabel = unlabelled): VirtualTimer {
    if (Number.isNaN(delayMs)) throw new Error('delay is not a number');
    const atUs = this.#nowUs + Math.max(0, Math.ceil(delayMs * 1000));
    this.#sequence += 1;
    const event = new ScheduledEvent(this.#heap, atUs, this.#sequence, label, action);
    this.#heap.push(event);
    return event;
  }

  /** Mixes something the run did, other than an event, into the hash. Whole numbers. */
  mix(value: number): void {
    this.#chain.mixWide(value);
  }

  /** Fingerprint of everything up to now: equal for two runs of one seed. */
  hash(): string {
    return this.#chain.text();
  }

  /** The last events, oldest first. */
  trace(): readonly TraceLine[] {
    const length = this.#trace.length;
    const lines: TraceLine[] = [];
    for (let back = Math.min(length, this.#executed); back > 0; back -= 1) {
      const event = this.#trace[(this.#executed - back) % length];
      if (event === undefined) continue;
      lines.push({
        atMs: event.atUs / 1000,
        sequence: event.sequence,
        label: event.label.text,
      });
    }
    return lines;
  }

  /** Executes the next event and all microtasks it leads to. False when there was none. */
  async step(): Promise<boolean> {
    const before = this.#executed;
    const target = before + 1;
    await this.#loop(Infinity, () => this.#executed >= target);
    return this.#executed > before;
  }

  /** Executes every event up to the instant `untilMs`, included, and ends at that instant. */
  async run(untilMs: number): Promise<void> {
    await this.#loop(untilMs * 1000, null);
    this.#nowUs = Math.max(this.#nowUs, Math.floor(untilMs * 1000));
  }

  /** As `run`, for a time from now. */
  async runFor(durationMs: number): Promise<void> {
    await this.run(this.nowMs + durationMs);
  }

  /**
   * Runs until `predicate` holds; it is asked at the start and after every event. False when
   * `withinMs` from now have passed first, and then the clock stands at that limit.
   */
  async runUntil(predicate: () => boolean, withinMs: number): Promise<boolean> {
    const limitUs = this.#nowUs + Math.floor(withinMs * 1000);
    const held = await this.#loop(limitUs, predicate);
    if (!held && Number.isFinite(limitUs)) this.#nowUs = Math.max(this.#nowUs, limitUs);
    return held;
  }

  #loop(limitUs: number, stop: (() => boolean) | null): Promise<boolean> {
    if (this.#running) throw new Error('virtual time is already running');
    this.#running = true;
    const rejections = new RejectionWatch();
    return new Promise<boolean>((resolve, reject) => {
      const end = (finish: () => void): void => {
        this.#running = false;
        const unhandled = rejections.end();
        if (unhandled === null) finish();
        else reject(unhandled.reason);
      };
      const turn = (): void => {
        this.#guard?.watch();
        try {
          const held = this.#burst(limitUs, stop);
          if (held === null) setImmediate(turn);
          else end(() => resolve(held));
        } catch (error) {
          drainMicrotasks();
          end(() => reject(error));
        } finally {
          this.#guard?.rest();
        }
      };
      setImmediate(turn);
    });
  }

  /** True: `stop` held. False: nothing more within the limit. Null: time for a breath. */
  #burst(limitUs: number, stop: (() => boolean) | null): boolean | null {
    for (let count = 0; count < eventsPerTurn; count += 1) {
      if (stop !== null && stop()) return true;
      if (!this.#executeNext(limitUs)) return false;
      drainMicrotasks();
      this.#checkGuard();
    }
    return null;
  }

  #executeNext(limitUs: number): boolean {
    const event = this.#heap.peek();
    if (event === undefined || event.atUs > limitUs) return false;
    this.#heap.pop();
    this.#atThisInstant = event.atUs === this.#nowUs ? this.#atThisInstant + 1 : 0;
    if (this.#atThisInstant > eventsPerInstant) {
      throw new Error(`time stands still: ${event.label.text} repeats at ${this.nowMs} ms`);
    }
    this.#nowUs = event.atUs;
    this.#trace[this.#executed % this.#trace.length] = event;
    this.#executed += 1;
    this.#chain.mixWide(event.atUs);
    this.#chain.mix(event.sequence ^ event.label.hash);
    // Cancelling is over once it runs; the mark keeps a late `cancel` from being counted.
    event.cancelled = true;
    event.action();
    return true;
  }

  #checkGuard(): void {
    const found = this.#guard?.found() ?? null;
    if (found !== null) throw new Error(found);
  }
}
