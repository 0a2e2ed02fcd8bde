import type { HostClock, StoppedClocks } from './clock.ts';
import type { SimNetwork } from './network.ts';
import type { RandomStream } from './random.ts';
import { SimProcess } from './sim-process.ts';
import type { DeathCause } from './sim-process.ts';
import type { EventLabel, VirtualTime, VirtualTimer } from './virtual-time.ts';

/**
 * - `off`: no power. Exit: `powerOn`.
 * - `booting`: power, no kernel yet. Exit: the boot time passes, or power is lost.
 * - `on`: the kernel runs.
 * - `frozen`: power, nothing moves, memory is kept. Exit: `thaw`, or power is lost.
 * - `panicked`: power, the kernel is dead and hung. Exit: `reset`, or power is lost.
 */
export type MachineState = 'off' | 'booting' | 'on' | 'frozen' | 'panicked';

/** A program that the machine keeps running, as systemd does: an agent, a manager. */
export interface Service {
  readonly name: string;
  /** Starts the real code within this process. Called anew for each start, with the boot id. */
  readonly start: (process: SimProcess, bootId: string) => void;
  /** Time from a crash to the next start; null = it stays down until `restart`. */
  readonly restartAfterMs: number | null;
}

export interface MachineParts {
  readonly time: VirtualTime;
  readonly name: string;
  readonly clock: HostClock;
  readonly network: SimNetwork;
  readonly random: RandomStream;
  /** From power on to a running kernel. Default 40 s. */
  readonly bootMs?: number;
}

interface ServiceState {
  readonly service: Service;
  process: SimProcess | null;
  starts: number;
  pendingStart: VirtualTimer | null;
}

/**
 * One simulated physical host: power, boots, and the processes that live and die with them.
 * Hypervisor, disk and BMC of the host hang on its `onBoot`, `onPowerLoss` and power switch.
 */
export class SimMachine {
  readonly name: string;
  readonly clock: HostClock;
  readonly #time: VirtualTime;
  readonly #network: SimNetwork;
  readonly #random: RandomStream;
  readonly #bootMs: number;
  readonly #label: EventLabel;
  readonly #services = new Map<string, ServiceState>();
  readonly #processes = new Set<SimProcess>();
  readonly #bootListeners: ((bootId: string) => void)[] = [];
  readonly #lossListeners: (() => void)[] = [];
  readonly #freezeListeners: ((frozen: boolean) => void)[] = [];
  #state: MachineState = 'off';
  #bootId: string | null = null;
  #pendingBoot: VirtualTimer | null = null;

  /** Made without power; `powerOn` starts it. */
  constructor(parts: MachineParts) {
    this.name = parts.name;
    this.clock = parts.clock;
    this.#time = parts.time;
    this.#network = parts.network;
    this.#random = parts.random;
    this.#bootMs = parts.bootMs ?? 40_000;
    this.#label = parts.time.label(`${parts.name} machine`);
    this.#network.powerLoss(this.name);
  }

  get state(): MachineState {
    return this.#state;
  }

  /** What an honest BMC reads. */
  get hasPower(): boolean {
    return this.#state !== 'off';
  }

  /** Null while no kernel runs. */
  get bootId(): string | null {
    return this.#bootId;
  }

  /** Called when a kernel has come up, before the services start. */
  onBoot(listener: (bootId: string) => void): void {
    this.#bootListeners.push(listener);
  }

  /**
   * Called when everything in memory is lost: power cut, reset or panic. Guests are dead and
   * unsynced writes are gone.
   */
  onPowerLoss(listener: () => void): void {
    this.#lossListeners.push(listener);
  }

  /** Called with true at a freeze and with false at a thaw. */
  onFreeze(listener: (frozen: boolean) => void): void {
    this.#freezeListeners.push(listener);
  }

  /** Runs now if the kernel is up, and after each boot. */
  addService(service: Service): void {
    const state = { service, process: null, starts: 0, pendingStart: null };
    this.#services.set(service.name, state);
    if (this.#state === 'on') this.#start(state);
  }

  /** The living process of a service, or null. */
  serviceProcess(name: string): SimProcess | null {
    return this.#service(name).process;
  }

  powerOn(): void {
    if (this.#state !== 'off') return;
    this.#beginBoot(this.#bootMs);
  }

  /** Power on with the boot already over; for the start of a simulation. */
  startBooted(): void {
    if (this.#state !== 'off') return;
    this.#state = 'booting';
    this.#finishBoot();
  }

  powerOff(): void {
    this.#loseMemory();
    this.#state = 'off';
  }

  /** A watchdog's bite or a person's reset button: memory is lost, then it boots. */
  reset(): void {
    if (this.#state === 'off') return;
    this.#loseMemory();
    this.#beginBoot(this.#bootMs);
  }

  /** The kernel dies and stays hung, with power on. */
  panic(): void {
    if (this.#state !== 'on' && this.#state !== 'frozen') return;
    this.#loseMemory();
    this.#state = 'panicked';
  }

  /** Everything stands still, guests too. `clocks` says which of the host's clocks stop as well. */
  freeze(clocks: StoppedClocks = 'none'): void {
    if (this.#state !== 'on') return;
    this.#state = 'frozen';
    this.clock.stop(clocks);
    this.#network.freeze(this.name);
    for (const process of this.#processes) process.pause('host');
    for (const listener of this.#freezeListeners) listener(true);
  }

  /** Ends a freeze: what was held happens now, late. */
  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'on';
    this.clock.go();
    this.#network.thaw(this.name);
    for (const process of this.#processes) process.resume('host');
    for (const listener of this.#freezeListeners) listener(false);
  }

  /** Kills a service's process; it comes back by its own rule. */
  crash(name: string): void {
    const state = this.#service(name);
    this.#end(state, 'crash');
    const afterMs = state.service.restartAfterMs;
    if (afterMs === null || this.#state === 'off') return;
    state.pendingStart = this.#time.schedule(afterMs, () => this.#start(state), this.#label);
  }

  /** Kills it if it runs, and starts it at once. Does nothing more while no kernel runs. */
  restart(name: string): void {
    const state = this.#service(name);
    this.#end(state, 'crash');
    this.#start(state);
  }

  crashAgent(): void {
    this.crash('agent');
  }

  restartAgent(): void {
    this.restart('agent');
  }

  #service(name: string): ServiceState {
    const state = this.#services.get(name);
    if (state === undefined) throw new Error(`${this.name} has no service ${name}`);
    return state;
  }

  #beginBoot(afterMs: number): void {
    this.#state = 'booting';
    this.#pendingBoot = this.#time.schedule(afterMs, () => this.#finishBoot(), this.#label);
  }

  #finishBoot(): void {
    this.#pendingBoot = null;
    this.#state = 'on';
    const bootId = this.#random.uuid();
    this.#bootId = bootId;
    this.clock.boot(this.#random.between(1000, 5000));
    this.#network.powerUp(this.name);
    for (const listener of this.#bootListeners) listener(bootId);
    for (const state of this.#services.values()) this.#start(state);
  }

  #loseMemory(): void {
    this.#pendingBoot?.cancel();
    this.#pendingBoot = null;
    this.#network.powerLoss(this.name);
    for (const state of this.#services.values()) this.#end(state, 'powerLoss');
    if (this.#bootId === null) return;
    this.#bootId = null;
    for (const listener of this.#lossListeners) listener();
  }

  #start(state: ServiceState): void {
    state.pendingStart = null;
    if (this.#bootId === null || state.process !== null) return;
    state.starts += 1;
    const process = new SimProcess(
      this.#time,
      `${this.name} ${state.service.name}#${state.starts}`,
    );
    state.process = process;
    this.#processes.add(process);
    if (this.#state === 'frozen') process.pause('host');
    const { bootId } = this;
    process.enter(() => state.service.start(process, bootId ?? ''));
  }

  #end(state: ServiceState, cause: DeathCause): void {
    state.pendingStart?.cancel();
    state.pendingStart = null;
    const { process } = state;
    if (process === null) return;
    state.process = null;
    this.#processes.delete(process);
    process.kill(cause);
  }
}
