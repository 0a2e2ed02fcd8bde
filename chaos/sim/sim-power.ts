import type { GoingDown, HostPower } from '../../agent/host-power.ts';
import type { SimMachine } from './host.ts';
import type { SimHost } from './sim-host.ts';
import type { SimProcess } from './sim-process.ts';
import type { VirtualTime, VirtualTimer } from './virtual-time.ts';

/** From the end of all delays: the agent ends at once, guests are off, the machine is off; ms. */
const guestsOffMs = 1000;
const machineOffMs = 1500;
/** What the system lets a program delay a shutdown by, in ms. */
const longestDelayMs = 15 * 60_000;

interface Holder {
  readonly process: SimProcess;
  readonly onChange: (kind: GoingDown | null) => void;
}

/**
 * How the operating system of a simulated machine shuts down: programs that asked for it may delay it, then
 * services end, guests are asked to shut down, and power goes off. A holder that dies delays nothing.
 */
export class SimPower {
  readonly #time: VirtualTime;
  readonly #machine: SimMachine;
  readonly #guests: SimHost;
  #kind: GoingDown | null = null;
  #holder: Holder | null = null;
  #isGoing = false;
  #latest: VirtualTimer | null = null;

  constructor(time: VirtualTime, machine: SimMachine, guests: SimHost) {
    this.#time = time;
    this.#machine = machine;
    this.#guests = guests;
    machine.onBoot(() => this.#forget());
    machine.onPowerLoss(() => this.#forget());
  }

  /** As one process reaches it. */
  portFor(process: SimProcess): HostPower {
    const release = (): void => this.#release(process);
    process.onDeath(release);
    return {
      watch: (onChange) => {
        this.#holder = { process, onChange };
        if (this.#kind !== null) this.#tell(this.#kind);
      },
      letGo: release,
      goDown: (kind) => {
        this.begin(kind);
        return Promise.resolve(null);
      },
      close: release,
    };
  }

  /** `reboot` or `shutdown`, as a person or a package types it on the machine. */
  begin(kind: GoingDown): void {
    if (this.#machine.bootId === null || this.#kind !== null) return;
    this.#kind = kind;
    if (this.#holder === null) {
      this.#goDown(kind);
      return;
    }
    this.#latest = this.#time.schedule(longestDelayMs, () => this.#goDown(kind));
    this.#tell(kind);
  }

  /** What the system was told and waits to do; null = nothing. */
  get waiting(): GoingDown | null {
    return this.#isGoing ? null : this.#kind;
  }

  /** A person on the machine does not wait for those who delay it. */
  insist(): void {
    if (this.waiting !== null) this.#goDown(this.waiting);
  }

  #tell(kind: GoingDown): void {
    const holder = this.#holder;
    holder?.process.enter(() => holder.onChange(kind));
  }

  #release(process: SimProcess): void {
    if (this.#holder?.process !== process || this.#isGoing) return;
    this.#holder = null;
    if (this.#kind !== null) this.#goDown(this.#kind);
  }

  #goDown(kind: GoingDown): void {
    if (this.#isGoing) return;
    this.#isGoing = true;
    this.#latest?.cancel();
    const { bootId } = this.#machine;
    const ifSameBoot = (work: () => void) => (): void => {
      if (this.#machine.bootId === bootId) work();
    };
    this.#time.schedule(
      0,
      ifSameBoot(() => this.#machine.crashAgent()),
    );
    const endGuests = (): void => {
      for (const vm of this.#guests.writers()) this.#guests.guestShutdown(vm);
    };
    this.#time.schedule(guestsOffMs, ifSameBoot(endGuests));
    const off = (): void => {
      this.#machine.powerOff();
      if (kind === 'reboot') this.#machine.powerOn();
    };
    this.#time.schedule(machineOffMs, ifSameBoot(off));
  }

  #forget(): void {
    this.#latest?.cancel();
    this.#kind = null;
    this.#isGoing = false;
    this.#holder = null;
  }
}
