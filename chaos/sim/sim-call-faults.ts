import type { SimCall, SimFault } from './sim-domain.ts';

/** Faults that wait for the next calls of their kinds. */
export class SimCallFaults {
  readonly #waiting: { readonly call: SimCall; readonly fault: SimFault }[] = [];

  add(call: SimCall, fault: SimFault): void {
    this.#waiting.push({ call, fault });
  }

  /** The oldest for a call of this kind, which it is then gone for. */
  take(call: SimCall): SimFault | undefined {
    const index = this.#waiting.findIndex((each) => each.call === call);
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0]?.fault;
  }
}
