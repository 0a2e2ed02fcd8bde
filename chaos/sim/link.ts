import type { RandomStream } from './random.ts';
import type { EventLabel } from './virtual-time.ts';

/** How long messages take on one direction of a link, and how many are lost on the way. */
export interface LinkProfile {
  readonly minMs: number;
  /** Most messages take between `minMs` and this, evenly spread. */
  readonly usualMs: number;
  /** The share that takes up to `slowMs` instead, from 0 to 1. */
  readonly slowShare: number;
  readonly slowMs: number;
  /** Share of packets lost, from 0 to 1. Each loss costs a retransmission timeout. */
  readonly loss: number;
  /**
   * Shares of the messages that arrive twice, and that arrive before the one ahead of them, from 0
   * to 1. TCP does neither: this is a broken middlebox, and a harder test than any network.
   */
  readonly twice?: number;
  readonly overtakes?: number;
}

export const lanProfile: LinkProfile = {
  minMs: 0.1,
  usualMs: 0.6,
  slowShare: 0.01,
  slowMs: 12,
  loss: 0,
};

/** Between two processes of one host. */
export const localProfile: LinkProfile = {
  minMs: 0.02,
  usualMs: 0.05,
  slowShare: 0,
  slowMs: 0.05,
  loss: 0,
};

/** First retransmission timeout of TCP, ms; it doubles with each further loss. */
const firstTimeoutMs = 200;
const longestTimeoutMs = 120_000;

/** One direction between two hosts. */
export class Link {
  readonly from: string;
  readonly to: string;
  readonly label: EventLabel;
  readonly #random: RandomStream;
  #profile: LinkProfile;
  #isDisturbed: boolean;
  #cutSinceMs: number | null = null;
  #cuts = 0;

  constructor(
    from: string,
    to: string,
    parts: {
      readonly label: EventLabel;
      readonly random: RandomStream;
      readonly profile: LinkProfile;
    },
  ) {
    this.from = from;
    this.to = to;
    this.label = parts.label;
    this.#random = parts.random;
    this.#profile = parts.profile;
    this.#isDisturbed = disturbs(parts.profile);
  }

  get profile(): LinkProfile {
    return this.#profile;
  }

  set profile(profile: LinkProfile) {
    this.#profile = profile;
    this.#isDisturbed = disturbs(profile);
  }

  /** Nothing gets through. */
  get cut(): boolean {
    return this.#cutSinceMs !== null;
  }

  /** How often it was cut so far: tells one long cut from two. */
  get cuts(): number {
    return this.#cuts;
  }

  /** True when this changed something. */
  setCut(nowMs: number): boolean {
    if (this.#cutSinceMs !== null) return false;
    this.#cutSinceMs = nowMs;
    this.#cuts += 1;
    return true;
  }

  /** Ends a cut and tells how long after that TCP notices: up to the cut's length. Null: no cut. */
  heal(nowMs: number): number | null {
    if (this.#cutSinceMs === null) return null;
    const outageMs = nowMs - this.#cutSinceMs;
    this.#cutSinceMs = null;
    return this.#random.between(0, Math.min(outageMs, 5000));
  }

  /** Time of one packet, ms, or null when it is lost. For datagrams and handshakes. */
  datagramMs(): number | null {
    const lost = this.profile.loss > 0 && this.#random.chance(this.profile.loss);
    return this.cut || lost ? null : this.#packetMs();
  }

  /**
   * Time until a message has arrived, ms, retransmissions included, or null when the sender gives
   * up after `giveUpMs`: TCP turns loss into delay or into a broken connection, never into a gap.
   * A cut is no concern of this: whoever carries the message meets it on arrival.
   */
  messageMs(giveUpMs: number): number | null {
    let delayMs = this.#packetMs();
    if (this.profile.loss === 0) return delayMs;
    let timeoutMs = firstTimeoutMs;
    while (this.#random.chance(this.profile.loss)) {
      delayMs += timeoutMs;
      timeoutMs = Math.min(timeoutMs * 2, longestTimeoutMs);
      if (delayMs > giveUpMs) return null;
    }
    return delayMs;
  }

  /** Messages may arrive twice or before others: something sits in between that should not. */
  get isDisturbed(): boolean {
    return this.#isDisturbed;
  }

  /** Whether one message arrives a second time, and how much later, ms; null = it does not. */
  repeatsAfterMs(): number | null {
    const { twice = 0 } = this.profile;
    return twice > 0 && this.#random.chance(twice) ? this.#random.between(0, 3000) : null;
  }

  /** Whether one message arrives before the one ahead of it. */
  overtakes(): boolean {
    const { overtakes = 0 } = this.profile;
    return overtakes > 0 && this.#random.chance(overtakes);
  }

  #packetMs(): number {
    const { minMs, usualMs, slowShare, slowMs } = this.profile;
    const draw = this.#random.fraction();
    if (draw >= slowShare) return this.#random.between(minMs, usualMs);
    // The squeeze makes the slowest the rarest.
    return usualMs + (slowMs - usualMs) * this.#random.fraction() * this.#random.fraction();
  }
}

function disturbs({ twice = 0, overtakes = 0 }: LinkProfile): boolean {
  return twice > 0 || overtakes > 0;
}
