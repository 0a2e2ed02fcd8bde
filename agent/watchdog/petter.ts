import type { WatchdogAttestation } from '../../src/core/model/node.ts';
import {
  dropToken,
  mayDisarm,
  mayPet,
  mustLook,
  openPetter,
  phaseOf,
  sighted,
  takeToken,
} from './petter-core.ts';
import type { PetterPhase, PetterState, PetterToken, Sighting } from './petter-core.ts';

/** What the petter does to the world. Everything is synchronous: nothing may come in between. */
export interface PetterPorts {
  /** Boot-time clock, ms. */
  nowMs(): number;
  /** One write to the device. */
  pet(): void;
  /** Kills what a token's deadline ends, and counts what is still there. */
  look(token: PetterToken): Sighting;
  /** Keeps the token where a petter that starts anew in this boot finds it. */
  keep(token: PetterToken | null): void;
  /** Closes the device so that it does not fire. */
  disarm(): void;
  attest(): WatchdogAttestation;
}

export type TokenAnswer =
  | { readonly kind: 'taken'; readonly watchdog: WatchdogAttestation }
  | { readonly kind: 'refused'; readonly because: string };

/** How often it looks while something is to be killed, ms. */
const killEveryMs = 250;

/**
 * The petter's loop over its state. It has no timer of its own: whoever drives it calls `tick` as
 * often as each one asks for, and a driver that stalls fails safe, since nothing is petted meanwhile.
 */
export class Petter {
  readonly #ports: PetterPorts;
  readonly #petMs: number;
  #state: PetterState;
  #disarmed = false;

  /** `petMs`: between two pets, W/4. `kept`: the token that an earlier petter of this boot kept. */
  constructor(options: {
    readonly ports: PetterPorts;
    readonly bootId: string;
    readonly petMs: number;
    readonly kept: PetterToken | null;
  }) {
    this.#ports = options.ports;
    this.#petMs = options.petMs;
    this.#state = openPetter(options.bootId, options.kept);
  }

  get phase(): PetterPhase {
    return phaseOf(this.#state, this.#ports.nowMs());
  }

  get token(): PetterToken | null {
    return this.#state.token;
  }

  /** Pets if it may, kills what must die. Returns when to be called again, in ms. */
  tick(): number {
    const ports = this.#ports;
    // Check and write are one step: what lies between them is bounded by nothing (DESIGN §5, k = 2).
    if (!this.#disarmed && mayPet(this.#state, ports.nowMs())) ports.pet();
    const { token } = this.#state;
    if (token !== null && mustLook(this.#state, ports.nowMs())) {
      this.#state = sighted(this.#state, ports.look(token));
    }
    const nowMs = ports.nowMs();
    const phase = phaseOf(this.#state, nowMs);
    if (phase === 'killing' || phase === 'biting') return Math.min(killEveryMs, this.#petMs);
    if (phase !== 'guarding' || token === null) return this.#petMs;
    return Math.max(1, Math.min(this.#petMs, token.deadlineMs - nowMs));
  }

  take(token: PetterToken): TokenAnswer {
    const taken = takeToken(this.#state, token, this.#ports.nowMs());
    if (this.#disarmed) return { kind: 'refused', because: 'the device is disarmed' };
    if (taken.kind === 'refused') return taken;
    // A petter that starts anew must not know less than what was acknowledged.
    this.#ports.keep(taken.state.token);
    this.#state = taken.state;
    return { kind: 'taken', watchdog: this.#ports.attest() };
  }

  /** False when a kill has begun. */
  drop(): boolean {
    const dropped = dropToken(this.#state, this.#ports.nowMs());
    if (dropped === null) return false;
    this.#ports.keep(null);
    this.#state = dropped;
    return true;
  }

  attest(): WatchdogAttestation {
    return this.#ports.attest();
  }

  /** True when the device was closed for good. Refused as long as a VM rests on it. */
  disarm(): boolean {
    if (!mayDisarm(this.#state)) return false;
    this.#disarmed = true;
    this.#ports.disarm();
    return true;
  }
}
