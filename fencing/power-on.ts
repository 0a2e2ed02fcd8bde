import type { FenceAttempt } from '../src/core/model/fence-operation.ts';
import type { FenceDevice } from '../src/core/model/node.ts';
import { budgets } from './budgets.ts';
import { DeviceAccess, type DeviceAccessOptions, type GuardedCommand } from './device-access.ts';
import type { FenceError } from './driver.ts';
import { fenceError } from './fence-error.ts';
import { Pause } from './pause.ts';

export interface PowerOnOptions extends DeviceAccessOptions {
  /** All of them get power back; usually one level of the topology. */
  readonly devices: readonly FenceDevice[];
  /** Level of the devices, counted from 1, for the record. */
  readonly level: number;
  /** True while an `off` may still be in flight anywhere in the node's topology. */
  readonly outstanding: () => boolean;
  readonly onAttempt: (attempt: FenceAttempt) => void;
  /** Aborting stops the waiting; a command that has begun is not recalled. */
  readonly signal: AbortSignal;
  readonly pollMs?: number;
  /** On must be read within this time. Default 30 s. */
  readonly timeoutMs?: number;
}

export type PowerOnResult =
  | { readonly kind: 'on' }
  /** Nothing was sent, because an `off` may be in flight. */
  | { readonly kind: 'refused'; readonly because: string }
  | { readonly kind: 'failed'; readonly device: string; readonly error: FenceError };

/**
 * Gives devices power and reads it back. A device that reads On already is left alone. A BMC may
 * drop an `on` that comes right after an `off`, so one that still reads Off after a while is told
 * a second time, on record.
 */
export async function powerOn(options: PowerOnOptions): Promise<PowerOnResult> {
  if (options.outstanding()) return outstandingRefusal;
  const results = await Promise.all(
    options.devices.map((device) => new DevicePowerOn(device, options).run()),
  );
  return results.find((result) => result.kind !== 'on') ?? { kind: 'on' };
}

const outstandingRefusal: PowerOnResult = {
  kind: 'refused',
  because: 'a command that powers off may still be in flight',
};

const maxSends = 2;

class DevicePowerOn {
  readonly #device: FenceDevice;
  readonly #options: PowerOnOptions;
  readonly #access: DeviceAccess;
  readonly #pause: Pause;
  readonly #endMs: number;
  #sends = 0;
  #lastSentMs = -Infinity;
  #error: FenceError;

  constructor(device: FenceDevice, options: PowerOnOptions) {
    this.#device = device;
    this.#options = options;
    this.#access = new DeviceAccess(device, options);
    this.#pause = new Pause(options.env.timers);
    this.#endMs = this.#now() + (options.timeoutMs ?? budgets.powerOnMs);
    this.#error = fenceError('NOT_VERIFIED', 'On was not read in time', 'command');
  }

  async run(): Promise<PowerOnResult> {
    const wake = (): void => this.#pause.wake();
    this.#options.signal.addEventListener('abort', wake, { once: true });
    try {
      while (!this.#options.signal.aborted && this.#now() < this.#endMs) {
        const result = await this.#step();
        if (result !== null) return result;
        if (!this.#options.signal.aborted) await this.#pause.wait(this.#options.pollMs ?? 1000);
      }
    } finally {
      this.#options.signal.removeEventListener('abort', wake);
    }
    return { kind: 'failed', device: this.#device.id, error: this.#outcome() };
  }

  #now(): number {
    return this.#options.env.clock.monotonicMs();
  }

  async #step(): Promise<PowerOnResult | null> {
    const { signal } = this.#options;
    const reading = await this.#access.status(budgets.statusMs, signal);
    if (reading.kind === 'failed') {
      this.#error = reading.error;
      return this.#ended(reading.error);
    }
    if (reading.power === 'on') {
      const check = await this.#access.checkIdentity(budgets.statusMs, signal);
      if (check.kind === 'enrolled') return { kind: 'on' };
      this.#error = check.error;
      return this.#ended(check.error);
    }
    const due = this.#now() - this.#lastSentMs >= budgets.resendAfterMs;
    if (this.#sends >= maxSends || !due) return null;
    return this.#send();
  }

  async #send(): Promise<PowerOnResult | null> {
    const { signal, outstanding, level, onAttempt } = this.#options;
    const sent = await this.#access.command({
      action: 'on',
      level,
      note: this.#sends === 0 ? null : 'sent again, the node still read Off',
      signal,
      wanted: () => !signal.aborted && !outstanding(),
      onSending: () => {},
    });
    if (sent.kind === 'notSent') return this.#notSent(sent);
    this.#lastSentMs = this.#now();
    onAttempt(sent.attempt);
    if (sent.result.kind !== 'rejected') this.#sends += 1;
    if (sent.result.kind === 'accepted') return null;
    this.#error = sent.result.error;
    return this.#ended(sent.result.error);
  }

  #notSent(sent: GuardedCommand & { kind: 'notSent' }): PowerOnResult | null {
    if (sent.check === null || sent.check.kind === 'enrolled') {
      return this.#options.outstanding() ? outstandingRefusal : null;
    }
    this.#error = sent.check.error;
    return this.#ended(sent.check.error);
  }

  /** Ends the attempt when trying again cannot help. */
  #ended(error: FenceError): PowerOnResult | null {
    if (error.retry !== 'no') return null;
    return { kind: 'failed', device: this.#device.id, error: this.#outcome() };
  }

  #outcome(): FenceError {
    return this.#sends > 0 ? { ...this.#error, mayHaveActed: true } : this.#error;
  }
}
