import type { DomainUsage } from '../../agent/hypervisor.ts';
import type { VmId } from '../../src/core/model/ids.ts';

/** What VMs use wherever they run; hosts that are told the same agree. */
export class SimMeter {
  readonly #usage = new Map<VmId, DomainUsage>();
  readonly #runsHere: (vm: VmId) => boolean;

  constructor(runsHere: (vm: VmId) => boolean) {
    this.#runsHere = runsHere;
  }

  set(usage: DomainUsage): void {
    this.#usage.set(usage.vm, usage);
  }

  read(): readonly DomainUsage[] {
    return [...this.#usage.values()].filter(({ vm }) => this.#runsHere(vm));
  }
}
