import type { VmId } from '../../src/core/model/ids.ts';
import type { NodeCapacity } from '../../src/core/model/node.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { ActionVerb } from '../../src/core/model/vm-action.ts';
import type { SnapshotVerb } from '../../src/core/model/vm-snapshot.ts';
import type { Random, Timers } from '../../src/env/env.ts';
import type {
  SimCall,
  SimDomain,
  SimFault,
  SimLatency,
  SimOutcome,
  SimTemper,
  SimWork,
} from './sim-domain.ts';
import { alreadyActive, defaultLatency, done, failed, isActive, newDomain } from './sim-domain.ts';
import { actOnDomain, wakeDomain, type ActedHook } from './sim-action.ts';
import type { DiskWriterHook, SimHostOptions } from './sim-host-options.ts';
import { SimCallFaults } from './sim-call-faults.ts';
import { SimMeter } from './sim-meter.ts';
import { workOnSnapshot } from './sim-snapshot.ts';
import { SimTransit } from './sim-transit.ts';
import { defaultMigrationTimes } from './sim-migration.ts';
import { SimOutgoing } from './sim-outgoing.ts';

/**
 * A simulated node's hardware, libvirtd and VMs. It outlives every agent on it: an agent that
 * starts anew makes a new `SimHypervisor` on the same host.
 */
export class SimHost {
  readonly #timers: Timers;
  readonly #random: Pick<Random, 'fraction'> | null;
  readonly #latency: SimLatency;
  readonly #onDiskWriter: DiskWriterHook;
  readonly #onStartAsked: (permit: Permit) => void;
  readonly #onActed: ActedHook;
  readonly #domains = new Map<VmId, SimDomain>();
  readonly #tempers = new Map<VmId, SimTemper>();
  readonly #faults = new SimCallFaults();
  readonly #watchers = new Set<() => void>();
  readonly #frozenActions: (() => void)[] = [];
  readonly #hungActions: (() => void)[] = [];
  #boot = 1;
  #powered = true;
  #frozen = false;
  #daemon: 'up' | 'hung' | 'down' = 'up';
  #daemonRun = 1;
  capacity: NodeCapacity;
  /** Domains that are here because of a migration. */
  readonly transit: SimTransit;
  readonly outgoing: SimOutgoing;
  readonly meter = new SimMeter((vm) => this.#domains.get(vm)?.live !== undefined);

  constructor(options: SimHostOptions) {
    this.#timers = options.timers;
    this.#random = options.random ?? null;
    this.#latency = { ...defaultLatency, ...options.latency };
    this.#onDiskWriter = options.onDiskWriter ?? (() => undefined);
    this.#onStartAsked = options.onStartAsked ?? (() => undefined);
    this.#onActed = options.onActed ?? (() => undefined);
    this.capacity = options.capacity;
    this.transit = new SimTransit({
      domains: this.#domains,
      onDiskWriter: this.#onDiskWriter,
      changed: () => this.#changed(),
    });
    this.outgoing = new SimOutgoing({
      host: this,
      temperOf: (vm) => this.#tempers.get(vm),
      fraction: () => this.#random?.fraction() ?? 0.5,
      peerAt: options.peerAt ?? (() => null),
      times: { ...defaultMigrationTimes, ...options.migrationTimes },
    });
  }

  get powered(): boolean {
    return this.#powered;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** `up` answers, `hung` takes calls and stays silent, `down` refuses connections. */
  get daemon(): 'up' | 'hung' | 'down' {
    return this.#daemon;
  }

  /** Grows with every death of the daemon: a connection belongs to one run of it. */
  get daemonRun(): number {
    return this.#daemonRun;
  }

  /** Every domain, for oracles. */
  domains(): readonly SimDomain[] {
    return [...this.#domains.values()];
  }

  /** VMs whose process may write now, or will be able to when the host thaws. */
  writers(): readonly VmId[] {
    return this.domains().flatMap((domain) => (domain.live === undefined ? [] : domain.vm));
  }

  /** At once and frozen or not: what runs is gone, what is stored stays. */
  powerOff(): void {
    if (!this.#powered) return;
    this.#powered = false;
    this.#boot += 1;
    this.#daemonRun += 1;
    this.#daemon = 'down';
    this.#frozen = false;
    this.#frozenActions.length = 0;
    this.#hungActions.length = 0;
    this.outgoing.forget();
    for (const domain of this.#domains.values()) this.#turnOff(domain, 'unknown');
    this.#changed();
  }

  /** Boots the host. Its daemon answers at once and boots what has autostart on. */
  powerOn(): void {
    if (this.#powered) return;
    this.#powered = true;
    this.#daemon = 'up';
    for (const domain of this.#domains.values()) {
      if (domain.autostart) this.#turnOn(domain, domain.stored?.permit ?? null);
    }
    this.#changed();
  }

  /** The node stands still and may come back: nothing in it moves, its VMs continue at a thaw. */
  freeze(): void {
    if (this.#powered) this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    for (const action of this.#frozenActions.splice(0)) this.after(0, action);
  }

  /** The daemon stops answering; VMs run on. Calls sent meanwhile take effect at `resumeDaemon`. */
  hangDaemon(): void {
    if (this.#daemon !== 'up') return;
    this.#daemon = 'hung';
    this.#changed();
  }

  resumeDaemon(): void {
    if (this.#daemon !== 'hung') return;
    this.#daemon = 'up';
    for (const action of this.#hungActions.splice(0)) this.after(0, action);
    this.#changed();
  }

  /** The daemon dies; VMs run on, calls under way are lost. */
  killDaemon(): void {
    if (this.#daemon === 'down') return;
    this.#daemonRun += 1;
    this.#daemon = 'down';
    this.#hungActions.length = 0;
    this.outgoing.daemonDied();
    this.#changed();
  }

  startDaemon(): void {
    if (!this.#powered || this.#daemon !== 'down') return;
    this.#daemon = 'up';
    // A daemon that comes back finds copies that nobody feeds any more.
    for (const { vm } of this.domains()) this.transit.drop(vm);
    this.#changed();
  }

  /** One fault for the next call of this kind; repeated calls add up. */
  inject(call: SimCall, fault: SimFault): void {
    this.#faults.add(call, fault);
  }

  /** From now on the VM behaves like that on this host, whichever definition it has. */
  setTemper(vm: VmId, temper: SimTemper): void {
    this.#tempers.set(vm, temper);
  }

  /** The VM's process dies by itself. */
  crash(vm: VmId): void {
    this.#end(vm, 'crashed');
  }

  /** SIGKILL to the VM's process. True when there is none left; one that hangs in its storage stays. */
  killProcess(vm: VmId): boolean {
    const domain = this.#domains.get(vm);
    if (domain === undefined || !isActive(domain)) return true;
    if (this.#tempers.get(vm)?.stops === false) return false;
    if (domain.transit === null) this.#end(vm, 'crashed');
    else this.transit.clear(domain, 'crashed');
    return true;
  }

  /** The guest shuts itself down. */
  guestShutdown(vm: VmId): void {
    this.#end(vm, 'shutdown');
  }

  /** The guest hangs: its process is there, and nothing in it answers. Until it starts anew. */
  silence(vm: VmId): void {
    const domain = this.#domains.get(vm);
    if (domain?.live !== undefined) domain.guest = 'silent';
  }

  /** Whether the guest of a VM that runs here answers now. */
  answers({ live, state, guest }: SimDomain): boolean {
    return !this.#frozen && live !== undefined && state === 'running' && guest === 'up';
  }

  /** The guest's kernel panics, and its panic device says so; libvirt keeps its process, or ends it. */
  panicGuest(vm: VmId, isKept: boolean): void {
    const domain = this.#domains.get(vm);
    if (domain?.live === undefined) return;
    if (!isKept) {
      this.#end(vm, 'crashed');
      return;
    }
    domain.guest = 'silent';
    this.#stands(vm, 'crashed', 'panicked');
  }

  /** A disk of the VM fails: it pauses, its process stays. */
  ioError(vm: VmId): void {
    this.#stands(vm, 'paused', 'ioError');
  }

  /** The disk is back and the VM goes on. */
  resume(vm: VmId): void {
    this.#stands(vm, 'running', 'unpaused');
  }

  #stands(vm: VmId, state: SimDomain['state'], reason: string): void {
    const domain = this.#domains.get(vm);
    if (domain?.live === undefined) return;
    Object.assign(domain, { state, reason });
    this.#changed();
  }

  /** A person starts a VM past Kennel: without a permit and without a stored half. */
  startByHand(vm: VmId, name: string): void {
    const there = this.#domains.get(vm);
    if (!this.#powered || (there !== undefined && isActive(there))) return;
    const domain = there ?? this.#make(vm, name);
    this.#turnOn(domain, null);
    this.#changed();
  }

  /** A person migrates a running VM past Kennel, definition and metadata with it. */
  migrateByHand(vm: VmId, target: SimHost): void {
    const domain = this.#domains.get(vm);
    if (domain?.live === undefined || !target.#powered) return;
    const { live, name, stored } = domain;
    const there = target.#domains.get(vm);
    if (there !== undefined && isActive(there)) return;
    this.#turnOff(domain, 'migrated');
    this.#domains.delete(vm);
    this.#changed();
    const arrived = there ?? target.#make(vm, name);
    arrived.stored = stored;
    target.#turnOn(arrived, live.permit);
    target.#changed();
  }

  /** Runs an action in the host's time: not while frozen, and never after a loss of power. */
  after(delayMs: number, action: () => void): void {
    const boot = this.#boot;
    this.#timers.after(delayMs, () => {
      if (boot !== this.#boot) return;
      if (this.#frozen) this.#frozenActions.push(action);
      else action();
    });
  }

  /** For `SimHypervisor`. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** For `SimHypervisor`: carries a call to the daemon; `reply` may never be called. */
  request<T>(call: SimCall, work: () => SimWork<T>, reply: (outcome: SimOutcome<T>) => void): void {
    const run = this.#daemonRun;
    const arrive = (): void => {
      if (run !== this.#daemonRun) return;
      if (this.#daemon === 'hung') {
        this.#hungActions.push(arrive);
        return;
      }
      const fault = this.#faults.take(call);
      switch (fault?.kind) {
        case undefined:
          this.#perform(work, reply);
          break;
        case 'lost':
          break;
        case 'ackLost':
          this.after(fault.effectAfterMs, () => this.#perform(work, () => undefined));
          break;
        case 'fails':
          reply(failed(fault.code, fault.message));
          break;
      }
    };
    this.after(this.#latency.callMs, arrive);
  }

  /** For `SimHypervisor`: a boot command leaves for the daemon. */
  startAsked(permit: Permit): void {
    this.#onStartAsked(permit);
  }

  /** For oracles and faults; undefined when it is absent. */
  find(vm: VmId): SimDomain | undefined {
    return this.#domains.get(vm);
  }

  /** Stores the definition; the first half of a start. */
  define(vm: VmId, definition: { name: string; permit: Permit; xml: string }): SimOutcome<void> {
    const { name, permit, xml } = definition;
    const taken = this.domains().some((each) => each.name === name && each.vm !== vm);
    if (taken) return failed('libvirtOperationFailed', `domain ${name} already exists`);
    const domain = this.#domains.get(vm) ?? this.#make(vm, name);
    domain.name = name;
    domain.stored = { permit, xml };
    domain.autostart = false;
    domain.savedState = false;
    this.#changed();
    return done;
  }

  /** Boots whatever definition it finds when the start is over, as libvirt does. */
  boot(vm: VmId, permit: Permit): SimWork<void> {
    const spread = this.#random === null ? 1 : 0.5 + this.#random.fraction();
    const finish = (): SimOutcome<void> => {
      const domain = this.#domains.get(vm);
      if (domain !== undefined && isActive(domain)) return alreadyActive(domain, permit);
      if (domain === undefined || domain.stored === null) {
        return failed('noDomain', `${vm} is not defined here`);
      }
      if (this.#tempers.get(vm)?.starts() === false) {
        return failed(
          'libvirtOperationFailed',
          `QEMU of ${domain.name} ended while it was started`,
        );
      }
      this.#turnOn(domain, domain.stored.permit);
      this.#changed();
      return done;
    };
    return { kind: 'later', afterMs: this.#latency.startMs * spread, finish };
  }

  /** Cuts the power of a VM. */
  cut(vm: VmId): SimWork<void> {
    const domain = this.#domains.get(vm);
    if (domain === undefined || !isActive(domain)) return done;
    const { hungDestroyMs, destroyMs } = this.#latency;
    const finish = (): SimOutcome<void> => {
      if (this.#tempers.get(vm)?.stops === false) {
        return failed('libvirtOperationFailed', `the process of ${domain.name} does not die`);
      }
      if (domain.transit === null) this.#end(vm, 'destroyed');
      else this.transit.clear(domain, 'destroyed');
      return done;
    };
    return { kind: 'later', afterMs: domain.hung ? hungDestroyMs : destroyMs, finish };
  }

  /** Asks the guest; it is off a while later. */
  askShutdown(domain: SimDomain): SimWork<void> {
    if (domain.hung) return { kind: 'never' };
    if (domain.live === undefined) return done;
    const { boots, vm } = domain;
    if (this.#tempers.get(vm)?.stops === false) return done;
    this.after(this.#latency.shutdownMs, () => {
      const hears = !domain.hung && domain.state !== 'paused';
      if (domain.boots === boots && hears) this.#end(vm, 'shutdown');
    });
    return done;
  }

  /** Drops an inactive domain. */
  forget(vm: VmId): void {
    this.#domains.delete(vm);
    this.#changed();
  }

  /** Into both halves, and autostart off. */
  writePermit(domain: SimDomain, permit: Permit): void {
    if (domain.live !== undefined) domain.live = { permit };
    if (domain.transit !== null) domain.transit = { ...domain.transit, permit };
    if (domain.stored !== null) domain.stored = { ...domain.stored, permit };
    domain.autostart = false;
    this.#changed();
  }

  /** Lets a guest go on that stands still. */
  goOn(vm: VmId): SimOutcome<void> {
    return wakeDomain(this.#domains.get(vm), (domain) => {
      if (domain.transit === null) this.resume(vm);
      else this.transit.wake(domain, 'unpaused');
    });
  }

  /** What libvirt does to a guest at once. */
  act(vm: VmId, verb: ActionVerb): SimOutcome<void> {
    return actOnDomain(this.#domains.get(vm), verb, (permit) => {
      this.#onActed(vm, verb, permit);
      this.#changed();
    });
  }

  snapshot(vm: VmId, verb: SnapshotVerb): SimWork<void> {
    return workOnSnapshot(
      {
        find: (id) => this.#domains.get(id),
        turnOff: (domain, reason) => this.#turnOff(domain, reason),
        turnOn: (domain, permit) => this.#turnOn(domain, permit),
        onDone: (permit) => this.#onActed(vm, verb, permit),
        changed: () => this.#changed(),
        after: (delayMs, then) => this.after(delayMs, then),
        takesMs: this.#latency.startMs,
      },
      vm,
      verb,
    );
  }

  #perform<T>(work: () => SimWork<T>, reply: (outcome: SimOutcome<T>) => void): void {
    const outcome = work();
    if (outcome.kind === 'never') return;
    if (outcome.kind === 'open') {
      outcome.run(reply);
      return;
    }
    if (outcome.kind !== 'later') {
      reply(outcome);
      return;
    }
    // What the daemon was at when it died is not done: a half-started domain is killed.
    const run = this.#daemonRun;
    this.after(outcome.afterMs, () => {
      if (run === this.#daemonRun) reply(outcome.finish());
    });
  }

  #make(vm: VmId, name: string): SimDomain {
    const domain = newDomain(vm, name);
    this.#domains.set(vm, domain);
    return domain;
  }

  #turnOn(domain: SimDomain, permit: Permit | null): void {
    domain.live = { permit };
    domain.state = 'running';
    domain.reason = 'booted';
    domain.boots += 1;
    domain.guest = 'booting';
    const { boots } = domain;
    this.after(this.#latency.guestBootMs, () => {
      if (domain.boots === boots && domain.guest === 'booting') domain.guest = 'up';
    });
    this.#onDiskWriter(domain.vm, true, permit);
  }

  #turnOff(domain: SimDomain, reason: string): void {
    const { live } = domain;
    domain.live = undefined;
    domain.transit = null;
    domain.hung = false;
    domain.state = 'shutOff';
    domain.reason = reason;
    if (domain.stored === null) this.#domains.delete(domain.vm);
    if (live !== undefined) this.#onDiskWriter(domain.vm, false, live.permit);
  }

  #end(vm: VmId, reason: string): void {
    const domain = this.#domains.get(vm);
    if (domain?.live === undefined) return;
    this.#turnOff(domain, reason);
    this.#changed();
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
