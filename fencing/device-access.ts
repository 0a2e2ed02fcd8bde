import type { FenceAttempt } from '../src/core/model/fence-operation.ts';
import type { FenceDevice } from '../src/core/model/node.ts';
import type { Env } from '../src/env/env.ts';
import { budgets } from './budgets.ts';
import type { DeviceLane, DeviceQueues } from './device-queue.ts';
import type {
  FenceCommandResult,
  FenceContext,
  FenceDriver,
  FenceError,
  FenceIdentity,
  FenceReading,
  ProbeReport,
} from './driver.ts';
import { failedProbe, fenceError } from './fence-error.ts';
import { Pause } from './pause.ts';
import type { FenceDrivers } from './registry.ts';

/** What every use of fence devices needs. */
export interface DeviceAccessOptions {
  readonly env: Env;
  readonly drivers: FenceDrivers;
  /** Shared by everything in this manager that talks to fence devices. */
  readonly queues: DeviceQueues;
  /** Secrets of a device by name; asked before every call and never kept. */
  readonly secretsOf: (device: string) => Promise<Readonly<Record<string, string>>>;
}

export type IdentityCheck =
  | { readonly kind: 'enrolled' }
  /** It gave none although one is enrolled, as a BMC does while it boots. */
  | { readonly kind: 'absent'; readonly error: FenceError }
  /** It is another machine's. */
  | { readonly kind: 'foreign'; readonly error: FenceError }
  | { readonly kind: 'failed'; readonly error: FenceError };

export type GuardedCommand =
  | { readonly kind: 'sent'; readonly result: FenceCommandResult; readonly attempt: FenceAttempt }
  | { readonly kind: 'notSent'; readonly check: IdentityCheck | null };

/**
 * One device through its driver and its queue. Whatever goes wrong is a result: a fence operation
 * must outlive a missing driver, an unreadable secret and a driver with a bug.
 */
export class DeviceAccess {
  readonly device: FenceDevice;
  readonly #options: DeviceAccessOptions;
  readonly #driver: FenceDriver | null;
  readonly #lane: DeviceLane;

  constructor(device: FenceDevice, options: DeviceAccessOptions) {
    this.device = device;
    this.#options = options;
    this.#driver = options.drivers.driver(device.driver);
    const address = this.#driver?.place(device.settings).address ?? device.id;
    this.#lane = { address, device: device.id };
  }

  /** Reads the identity and compares it with the one that was enrolled. */
  checkIdentity(timeoutMs: number, signal?: AbortSignal): Promise<IdentityCheck> {
    return this.#options.queues.read(this.#lane, () => this.#identity(timeoutMs, signal));
  }

  status(timeoutMs: number, signal?: AbortSignal): Promise<FenceReading> {
    return this.#options.queues.read(this.#lane, () =>
      this.#call<FenceReading>(timeoutMs, signal, (driver, context) => driver.status(context)),
    );
  }

  /** Checks the device and its credential, as it was enrolled. */
  probe(timeoutMs: number, signal?: AbortSignal): Promise<ProbeReport> {
    const probe = async (): Promise<ProbeReport> => {
      const report = await this.#call<ProbeReport>(timeoutMs, signal, (driver, context) =>
        driver.probe(context),
      );
      return 'kind' in report ? failedProbe(report.error) : report;
    };
    return this.#options.queues.read(this.#lane, probe, 'care');
  }

  /**
   * Sends a power command, if `wanted` still holds once the device is free and the device then
   * shows the enrolled identity. Nothing comes between the two. A command that has begun is not
   * aborted: killing the client would not recall it. `note` begins the attempt's detail.
   */
  command(options: {
    readonly action: 'off' | 'on';
    readonly level: number;
    readonly note: string | null;
    readonly signal: AbortSignal;
    wanted(): boolean;
    onSending(): void;
  }): Promise<GuardedCommand> {
    const minIntervalMs = this.#driver?.capabilities.minIntervalMs ?? 0;
    return this.#options.queues.command(this.#lane, minIntervalMs, async () => {
      if (!options.wanted()) return { kind: 'notSent', check: null };
      const check = await this.#identity(budgets.statusMs, options.signal);
      if (check.kind !== 'enrolled') return { kind: 'notSent', check };
      if (!options.wanted()) return { kind: 'notSent', check: null };
      options.onSending();
      return this.#send(options);
    });
  }

  async #send(options: {
    readonly action: 'off' | 'on';
    readonly level: number;
    readonly note: string | null;
  }): Promise<GuardedCommand> {
    const { clock } = this.#options.env;
    const at = clock.wallIso();
    const startedMs = clock.monotonicMs();
    const called = await this.#call<FenceCommandResult | Failed>(
      budgets.commandMs,
      undefined,
      (driver, context) => driver[options.action](context),
    );
    const result = called.kind === 'failed' ? commandFailed(called.error) : called;
    const detail = result.kind === 'accepted' ? result.detail : result.error.detail;
    const attempt: FenceAttempt = {
      level: options.level,
      device: this.device.id,
      action: options.action,
      outcome: result.kind,
      error: result.kind === 'accepted' ? null : result.error.code,
      detail: options.note === null ? detail : `${options.note}: ${detail}`,
      at,
      durationMs: Math.round(clock.monotonicMs() - startedMs),
    };
    return { kind: 'sent', result, attempt };
  }

  async #identity(timeoutMs: number, signal?: AbortSignal): Promise<IdentityCheck> {
    const read = await this.#call<FenceIdentity>(timeoutMs, signal, (driver, context) =>
      driver.identity(context),
    );
    if (read.kind === 'failed') return read;
    const enrolled = this.device.identity;
    if (read.identity === enrolled) return { kind: 'enrolled' };
    const detail = `enrolled is ${enrolled ?? 'none'}, the device says ${read.identity ?? 'none'}`;
    return {
      kind: read.identity === null ? 'absent' : 'foreign',
      error: fenceError('IDENTITY_MISMATCH', detail, 'reading'),
    };
  }

  async #call<T>(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    use: (driver: FenceDriver, context: FenceContext) => Promise<T>,
  ): Promise<T | Failed> {
    const driver = this.#driver;
    if (driver === null) {
      const kinds = this.#options.drivers.kinds().join(', ');
      const detail = `no fence driver "${this.device.driver}"; there are: ${kinds}`;
      return { kind: 'failed', error: fenceError('CONFIG', detail, 'reading') };
    }
    const secrets = await this.#secrets(timeoutMs);
    if (secrets.kind === 'failed') return secrets;
    const context: FenceContext = {
      env: this.#options.env,
      settings: this.device.settings,
      secrets: secrets.values,
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    };
    try {
      return await use(driver, context);
    } catch (error) {
      // A driver that throws has a bug. Its message may hold anything, so it is not passed on.
      const name = error instanceof Error ? error.name : 'error';
      this.#options.env.log.error({ device: this.device.id, err: name }, 'fence driver threw');
      return {
        kind: 'failed',
        error: fenceError('UNKNOWN', `the driver threw ${name}`, 'command'),
      };
    }
  }

  async #secrets(timeoutMs: number): Promise<Failed | Secrets> {
    const bound = new Pause(this.#options.env.timers);
    try {
      const values = await Promise.race([
        this.#options.secretsOf(this.device.id),
        bound.wait(timeoutMs).then(() => null),
      ]);
      if (values !== null) return { kind: 'secrets', values };
      return noSecrets('they were not read in time');
    } catch (error) {
      return noSecrets(messageOf(error));
    } finally {
      bound.wake();
    }
  }
}

interface Secrets {
  readonly kind: 'secrets';
  readonly values: Readonly<Record<string, string>>;
}

interface Failed {
  readonly kind: 'failed';
  readonly error: FenceError;
}

/** Unlike other wrong configuration this may pass: the store may just be without a quorum. */
function noSecrets(because: string): Failed {
  const error = fenceError('CONFIG', `the secrets of the device: ${because}`, 'reading');
  return { kind: 'failed', error: { ...error, retry: 'yes' } };
}

function commandFailed(error: FenceError): FenceCommandResult {
  return { kind: error.mayHaveActed ? 'unknown' : 'rejected', error };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
