import type { FenceAttempt } from '../src/core/model/fence-operation.ts';
import type { PowerReading } from '../src/core/model/proof.ts';
import type { Env } from '../src/env/env.ts';
import { budgets } from './budgets.ts';
import type { DeviceAccess, IdentityCheck } from './device-access.ts';
import type { FenceError, FenceErrorCode } from './driver.ts';
import { afterOff, offIsDue, type OffState, patientOffIsDue } from './off-state.ts';
import { Pause } from './pause.ts';

/** A difficulty with one device, for people; the execution goes on. */
export interface FenceProblem {
  readonly device: string;
  readonly code: FenceErrorCode;
  readonly detail: string;
}

export interface DeviceExecutionOptions {
  readonly env: Env;
  readonly access: DeviceAccess;
  /** Aborted when the execution stops. */
  readonly signal: AbortSignal;
  readonly pollMs: number;
  /** It may have been told to go off before this execution began, by whoever died doing it. */
  readonly wasTold: boolean;
  readonly onReading: (reading: PowerReading) => void;
  readonly onAttempt: (attempt: FenceAttempt) => void;
  readonly onError: (problem: FenceProblem) => void;
  /** Called after every reading and every command, whatever came of it. */
  onStep(): void;
}

/** Permission to send one `off` on behalf of a level. */
interface Grant {
  readonly level: number;
  readonly atMs: number;
}

const minPollMs = 50;
/** A permission to send that could not be used within this time is asked for anew. */
const grantValidMs = 10_000;

/**
 * One device of a fence operation: reads it for as long as the execution lasts, and sends `off`
 * when granted. It never sends `off` to a device that last read Off or that shows another identity.
 * What was sent in vain is sent again only once every level had its turn, ever more rarely, and never
 * to a machine that went off since: one that reads On then was started again.
 */
export class DeviceExecution {
  readonly #options: DeviceExecutionOptions;
  readonly #pause: Pause;
  /** When the enrolled identity was last read; null = not yet, or no longer believed. */
  #identityMs: number | null = null;
  #identityDue = true;
  #foreign = false;
  #power: PowerReading['power'] | null = null;
  /** The power at the last reading that told any. */
  #knownPower: PowerReading['power'] | null = null;
  #error: FenceError | null = null;
  #attempted = false;
  #statusTimeoutMs: number = budgets.statusMs;
  #restMs = 0;
  #off: OffState = { kind: 'unsent' };
  /** How often `off` was sent or refused, and when the last of them ended. */
  #offs = 0;
  #lastOffEndedMs = 0;
  /** It was seen not to be on after it was told to go off. */
  #wentOff = false;
  /** Since when it has read On without a break; null = it does not. */
  #onSinceMs: number | null = null;
  #granted: Grant | null = null;
  #passivePolls: number | null = null;

  constructor(options: DeviceExecutionOptions) {
    this.#options = options;
    this.#pause = new Pause(options.env.timers);
    // As after a command whose answer was lost: readings say what became of it.
    if (options.wasTold) {
      this.#off = { kind: 'ambiguous', endedMs: this.#now(), resent: false, answered: false };
    }
    options.signal.addEventListener('abort', () => this.#pause.wake(), { once: true });
  }

  get id(): string {
    return this.#options.access.device.id;
  }

  /** It has been read, or has failed to be read, at least once. */
  get attempted(): boolean {
    return this.#attempted;
  }

  get readsOff(): boolean {
    return this.#power === 'off' && this.#identityMs !== null;
  }

  /** It was told to go off and is not seen off. */
  get disobeys(): boolean {
    return (this.#off.kind === 'accepted' || this.#off.kind === 'ambiguous') && !this.readsOff;
  }

  /** Nothing but a change from outside makes this device go off. */
  get hopeless(): boolean {
    if (this.#foreign) return true;
    if (this.#off.kind === 'refused' && this.#off.retryAtMs === null) return true;
    return this.#error?.retry === 'no';
  }

  /** It is known to be the right device, is not seen off, and its `off` may be sent now. */
  get wantsOff(): boolean {
    if (this.#identityMs === null || this.#knownPower === 'off' || this.#wentOff) return false;
    if (offIsDue(this.#off, this.#power, this.#now())) return true;
    if (this.#passivePolls === null || this.#onSinceMs === null) return false;
    return patientOffIsDue(this.#off, {
      nowMs: this.#now(),
      offs: this.#offs,
      lastEndedMs: this.#lastOffEndedMs,
      onSinceMs: this.#onSinceMs,
    });
  }

  /** It wants to be sent off and is not allowed to. */
  get needsPermission(): boolean {
    return this.wantsOff && !this.#isGranted(this.#granted);
  }

  /** A command may still take effect: it is under way, or ended without an answer just now. */
  get outstanding(): boolean {
    if (this.#off.kind === 'inFlight') return true;
    if (this.#off.kind !== 'ambiguous' || this.#off.answered) return false;
    return this.#now() - this.#off.endedMs < budgets.ambiguousHoldMs;
  }

  /** Lets it send `off` once, now, on behalf of this level (counted from 1). */
  grant(level: number): void {
    this.#granted = { level, atMs: this.#now() };
    this.#pause.wake();
  }

  /** Every level has had its turn: read less often from here on. */
  becomePassive(): void {
    this.#passivePolls = 0;
  }

  /** Runs until the signal aborts; resolves when nothing of it is under way. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      const granted = this.#granted;
      this.#granted = null;
      const valid = this.#isGranted(granted);
      if (valid && this.wantsOff) await this.#sendOff(granted.level);
      else await this.#read();
      if (this.#stopped) return;
      this.#attempted = true;
      this.#options.onStep();
      const readAtOnce = valid && this.#off.kind !== 'unsent';
      if (this.#granted === null && !readAtOnce) await this.#pause.wait(this.#nextDelayMs());
    }
  }

  #isGranted(granted: Grant | null): granted is Grant {
    return granted !== null && this.#now() - granted.atMs <= grantValidMs;
  }

  get #stopped(): boolean {
    return this.#options.signal.aborted;
  }

  #now(): number {
    return this.#options.env.clock.monotonicMs();
  }

  async #read(): Promise<void> {
    const { access, signal } = this.#options;
    const startedMs = this.#now();
    if (this.#identityIsDue()) {
      const check = await access.checkIdentity(this.#statusTimeoutMs, signal);
      if (this.#stopped) return;
      this.#learnIdentity(check);
      if (check.kind === 'failed') this.#fitTimeout(check.error, startedMs);
      if (check.kind !== 'enrolled') return this.#deliver('unknown');
    }
    const askedMs = this.#now();
    const reading = await access.status(this.#statusTimeoutMs, signal);
    if (this.#stopped) return;
    if (reading.kind === 'failed') {
      this.#identityDue = true;
      this.#fitTimeout(reading.error, askedMs);
      this.#report(reading.error);
      return this.#deliver('unknown');
    }
    this.#error = null;
    this.#restMs = 0;
    if (this.#off.kind === 'ambiguous' && askedMs >= this.#off.endedMs) {
      this.#off = { ...this.#off, answered: true };
    }
    this.#deliver(reading.power);
  }

  #identityIsDue(): boolean {
    if (this.#identityDue || this.#identityMs === null) return true;
    return this.#now() - this.#identityMs > budgets.identityMaxAgeMs;
  }

  #learnIdentity(check: IdentityCheck): void {
    if (check.kind === 'enrolled') {
      this.#identityMs = this.#now();
      this.#identityDue = false;
      this.#foreign = false;
      return;
    }
    this.#identityMs = null;
    this.#foreign = check.kind === 'foreign';
    this.#report(check.error);
  }

  /**
   * A device that answers, but late, is given more time, and rest: what it was asked in vain is
   * still in its queue. One that is silent is given no more than usual.
   */
  #fitTimeout(error: FenceError, askedMs: number): void {
    const late = error.code === 'TIMEOUT';
    const longerMs = Math.min(this.#statusTimeoutMs * 2, budgets.slowStatusMs);
    this.#statusTimeoutMs = late ? longerMs : budgets.statusMs;
    this.#restMs = late ? this.#now() - askedMs : 0;
  }

  #deliver(power: PowerReading['power']): void {
    if (this.#passivePolls !== null) {
      this.#passivePolls = power === this.#power ? this.#passivePolls + 1 : 0;
    }
    this.#power = power;
    if (power !== 'unknown') this.#knownPower = power;
    this.#onSinceMs = power === 'on' ? (this.#onSinceMs ?? this.#now()) : null;
    if ((power === 'off' || power === 'transition') && this.#off.kind !== 'unsent') {
      this.#wentOff = true;
    }
    this.#options.onReading({
      device: this.id,
      atMs: this.#now(),
      power,
      identity: this.#identityMs === null ? null : this.#options.access.device.identity,
    });
  }

  /** Tells of a difficulty once, until it changes or goes away. */
  #report(error: FenceError): void {
    const known = this.#error?.code === error.code;
    this.#error = error;
    if (known) return;
    this.#options.onError({ device: this.id, code: error.code, detail: error.detail });
  }

  async #sendOff(level: number): Promise<void> {
    const before = this.#off;
    const resending = before.kind === 'ambiguous' || before.kind === 'accepted';
    const sent = await this.#options.access.command({
      action: 'off',
      level,
      note: resending ? 'sent again, the node still read On' : null,
      signal: this.#options.signal,
      wanted: () => !this.#stopped && this.#knownPower !== 'off',
      onSending: () => {
        this.#off = { kind: 'inFlight' };
      },
    });
    if (sent.kind === 'notSent') {
      if (sent.check !== null && !this.#stopped) this.#learnIdentity(sent.check);
      return;
    }
    this.#identityMs = this.#now();
    this.#offs += 1;
    this.#lastOffEndedMs = this.#now();
    this.#off = afterOff(sent.result, before, this.#now());
    if (sent.result.kind !== 'accepted') this.#report(sent.result.error);
    this.#options.onAttempt(sent.attempt);
  }

  #nextDelayMs(): number {
    const { access, pollMs } = this.#options;
    if (this.#foreign) return budgets.passivePollMs;
    if (this.#power === 'off') {
      return Math.max(minPollMs, Math.min(pollMs, Math.ceil(access.device.settleMs / 2)));
    }
    if (this.#passivePolls === null) return Math.max(pollMs, this.#restMs);
    const passiveMs = Math.min(budgets.passivePollMs, pollMs * 1.5 ** this.#passivePolls);
    return Math.max(passiveMs, this.#restMs);
  }
}
