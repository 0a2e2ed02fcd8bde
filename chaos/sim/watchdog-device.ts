import type { WatchdogAttestation } from '../../src/core/model/node.ts';
import type { SimMachine } from './host.ts';
import type { VirtualTime, VirtualTimer } from './virtual-time.ts';

/**
 * - `strong`: a timer of its own that resets the machine whatever its kernel does. - `late`: the same,
 * but its firmware takes twice the time that it was given. - `weak`: a timer of the kernel, which a
 * hung kernel does not run.
 */
export type WatchdogKind = 'strong' | 'late' | 'weak';

export interface WatchdogTraits {
  readonly kind: WatchdogKind;
  readonly timeoutMs: number;
  /** From the bite until guests and the old kernel are gone. */
  readonly resetMs: number;
  /** A copy of the open device outlives the petter; without it, its death is one more pet. */
  readonly held: boolean;
}

/** The watchdog of one simulated machine, in true time: it has a crystal of its own. */
export class SimWatchdog {
  readonly traits: WatchdogTraits;
  readonly #time: VirtualTime;
  readonly #machine: SimMachine;
  readonly #onBite: () => void;
  #timer: VirtualTimer | null = null;
  #disarmed = false;

  constructor(
    parts: {
      readonly time: VirtualTime;
      readonly machine: SimMachine;
      readonly onBite?: () => void;
    },
    traits: WatchdogTraits,
  ) {
    this.traits = traits;
    this.#time = parts.time;
    this.#machine = parts.machine;
    this.#onBite = parts.onBite ?? (() => undefined);
    // A panic is a loss of memory too, and does not stop the device.
    const label = parts.time.label(`${parts.machine.name} watchdog stops`);
    parts.machine.onPowerLoss(() => {
      parts.time.schedule(
        0,
        () => {
          if (parts.machine.state !== 'panicked') this.#calm();
        },
        label,
      );
    });
    parts.machine.onBoot(() => (this.#disarmed = false));
  }

  /** The first one arms it. */
  pet(): void {
    if (this.#disarmed) return;
    const { kind, timeoutMs } = this.traits;
    this.#timer?.cancel();
    const label = this.#time.label(`${this.#machine.name} watchdog`);
    const firesMs = kind === 'late' ? timeoutMs * 2 : timeoutMs;
    this.#timer = this.#time.schedule(firesMs, () => this.#fire(), label);
  }

  /** The petter's process ended and its descriptor with it: that pets, unless a copy is held. */
  closed(): void {
    if (!this.traits.held && this.#timer !== null) this.pet();
  }

  /** `V`, then close. */
  disarm(): void {
    this.#calm();
    this.#disarmed = true;
  }

  /** As its petter would say, a bite test of it included. */
  attest(): WatchdogAttestation {
    const { kind, timeoutMs, held } = this.traits;
    return {
      identity: kind === 'weak' ? 'Software Watchdog' : 'i6300ESB timer',
      strength: kind === 'weak' ? 'weak' : 'strong',
      timeoutMs,
      measuredMs: (kind === 'late' ? timeoutMs * 2 : timeoutMs) + 300,
      nowayout: true,
      pretimeoutMs: 0,
      held,
    };
  }

  #fire(): void {
    this.#timer = null;
    const { state } = this.#machine;
    if (this.traits.kind === 'weak' && state !== 'on') return;
    this.#onBite();
    const { bootId } = this.#machine;
    const label = this.#time.label(`${this.#machine.name} reset`);
    this.#time.schedule(
      this.traits.resetMs,
      () => {
        const isSame = this.#machine.bootId === bootId && this.#machine.state !== 'booting';
        if (isSame) this.#machine.reset();
      },
      label,
    );
  }

  #calm(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
