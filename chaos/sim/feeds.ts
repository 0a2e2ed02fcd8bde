import type { SimPower } from './bmc.ts';

export const feedNames = ['pdu-a', 'pdu-b'] as const;
export type FeedName = (typeof feedNames)[number];

/**
 * The two supplies of a machine, each behind an outlet of a PDU. It loses power with the last of them,
 * its BMC with it, and comes up by itself when one is back.
 */
export class SimFeeds {
  readonly #machine: SimPower;
  readonly #off = new Set<FeedName>();

  constructor(machine: SimPower) {
    this.#machine = machine;
  }

  get isFed(): boolean {
    return this.#off.size < feedNames.length;
  }

  outlet(name: FeedName): SimPower {
    return {
      isOn: () => !this.#off.has(name),
      powerOff: () => {
        this.#off.add(name);
        if (!this.isFed) this.#machine.powerOff();
      },
      powerOn: () => {
        const wasFed = this.isFed;
        this.#off.delete(name);
        if (!wasFed) this.#machine.powerOn();
      },
    };
  }

  /** A person switches both outlets on; the machine stays as it is. */
  restore(): void {
    this.#off.clear();
  }
}
