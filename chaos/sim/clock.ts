import type { Clock } from '../../src/env/env.ts';
import type { VirtualTime } from './virtual-time.ts';

/** 2026-01-01T00:00:00Z: what wall clocks show when a simulation starts. */
const wallEpochMs = 1_767_225_600_000;

/** `000Z` to `999Z`. */
const isoSuffixes = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);

/** Which of a host's clocks stand still while it does not run. */
export type StoppedClocks =
  /** A stall (SMI, lost CPU): both clocks run on. */
  | 'none'
  /** Suspend to memory: only boot time counts on. */
  | 'monotonic'
  /** A nested node paused by its own hypervisor: nothing counts. */
  | 'both';

/**
 * The clocks of one host: they run at their own rate, start near zero with each boot, and may stop.
 * Rate 1.01 means that 1,010 ms pass here while 1,000 ms pass in the world.
 */
export class HostClock implements Clock {
  readonly #time: VirtualTime;
  #rate: number;
  #anchorMs = 0;
  #monotonicMs = 0;
  #boottimeMs = 0;
  #wallOffsetMs: number;
  #stopped: StoppedClocks = 'none';
  #isoSecond = Number.NaN;
  #isoPrefix = '';

  constructor(
    time: VirtualTime,
    options: { readonly rate?: number; readonly wallOffsetMs?: number } = {},
  ) {
    this.#time = time;
    this.#rate = options.rate ?? 1;
    this.#wallOffsetMs = options.wallOffsetMs ?? 0;
    this.#anchorMs = time.nowMs;
  }

  get rate(): number {
    return this.#rate;
  }

  monotonicMs(): number {
    return this.#stopped === 'none' ? this.#monotonicMs + this.#elapsedMs() : this.#monotonicMs;
  }

  boottimeMs(): number {
    return this.#stopped === 'both' ? this.#boottimeMs : this.#boottimeMs + this.#elapsedMs();
  }

  wallIso(): string {
    const ms = Math.floor(wallEpochMs + this.#time.nowMs + this.#wallOffsetMs);
    const second = Math.floor(ms / 1000);
    // Managers ask with every heartbeat; a date is laid out once per second only.
    if (second !== this.#isoSecond) {
      this.#isoSecond = second;
      this.#isoPrefix = new Date(second * 1000).toISOString().slice(0, -4);
    }
    return this.#isoPrefix + isoSuffixes[ms - second * 1000];
  }

  /** Starts over, as a kernel does: monotonic and boot time show `uptimeMs`. */
  boot(uptimeMs: number): void {
    this.#settle();
    this.#stopped = 'none';
    this.#monotonicMs = uptimeMs;
    this.#boottimeMs = uptimeMs;
  }

  setRate(rate: number): void {
    this.#settle();
    this.#rate = rate;
  }

  /** Somebody sets the wall clock. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  stop(clocks: StoppedClocks): void {
    this.#settle();
    this.#stopped = clocks;
  }

  /** All clocks run again. */
  go(): void {
    this.stop('none');
  }

  #elapsedMs(): number {
    return (this.#time.nowMs - this.#anchorMs) * this.#rate;
  }

  /** Moves the anchor to now, so that a change of rate or state does not touch the past. */
  #settle(): void {
    const monotonicMs = this.monotonicMs();
    this.#boottimeMs = this.boottimeMs();
    this.#monotonicMs = monotonicMs;
    this.#anchorMs = this.#time.nowMs;
  }
}
