import { builtinDrivers } from '../../fencing/registry.ts';
import type { DetectionProfile } from '../../src/core/model/settings.ts';
import type { NetworkAddress } from '../../src/env/network.ts';
import { startManager } from '../../src/manager/manager.ts';
import type { Manager } from '../../src/manager/manager.ts';
import { startWitness } from '../../src/manager/witness.ts';
import type { Env } from '../../src/env/env.ts';
import type { SimBmc } from './bmc.ts';
import { HostClock } from './clock.ts';
import { identityOf } from './cluster-world.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { SimDisk } from './disk.ts';
import { makeHostEnv } from './host-env.ts';
import { SimMachine } from './host.ts';
import { simIpmitool } from './ipmitool.ts';
import { installDisk, mountDisk } from './machine-parts.ts';
import { SimPrograms } from './processes.ts';
import type { SimProcess } from './sim-process.ts';
import { simKeys } from './enrolment.ts';
import type { SimStore, StoreOfSeat } from './sim-store.ts';
import { tappedStore, tappedTool } from './tapped-ports.ts';
import { tiedStore } from './tied-ports.ts';

export const sessionPort = 7443;

export interface ClusterManagerOptions {
  readonly name: string;
  readonly store: () => SimStore;
  readonly managers: readonly NetworkAddress[];
  readonly profile: DetectionProfile;
  /** The BMC behind the name of a host of the fencing network; null when there is none. */
  readonly bmcAt: (host: string) => SimBmc | null;
  readonly restartMs: number | null;
  readonly bootMs: number;
  /** It only votes in the store. */
  readonly isWitness: boolean;
}

/** One simulated manager host: its machine and the real manager, with the simulated ipmitool. */
export class ClusterManager {
  readonly name: string;
  readonly machine: SimMachine;
  readonly disk: SimDisk;
  readonly #world: ClusterWorld;
  readonly #options: ClusterManagerOptions;
  readonly #programs: SimPrograms;
  #manager: Manager | null = null;
  #number: number;

  constructor(world: ClusterWorld, options: ClusterManagerOptions) {
    const { name } = options;
    const random = world.random.split(name);
    this.#world = world;
    this.#options = options;
    this.name = name;
    this.#number = options.managers.findIndex((address) => address.host === name) + 1;
    this.machine = new SimMachine({
      time: world.time,
      name,
      clock: new HostClock(world.time),
      network: world.network,
      random: random.split('machine'),
      bootMs: options.bootMs,
    });
    const disk = random.split('disk');
    this.disk = new SimDisk({
      fraction: () => disk.fraction(),
      timers: world.env.timers,
      latencyMs: (operation) => (operation === 'datasync' ? disk.between(0.2, 4) : 0.02),
    });
    installDisk(this.machine, this.disk, { content: 'random', names: 'random' });
    this.#programs = new SimPrograms(world.time);
    const ipmitool = simIpmitool({
      env: { ...world.env, random: random.split('ipmitool') },
      reach: (host) => this.#reach(host),
    });
    this.#programs.install('ipmitool', tappedTool(ipmitool, world.taps, name));
    this.machine.addService({
      name: 'manager',
      restartAfterMs: options.restartMs,
      start: (process) => this.#startManager(process),
    });
  }

  get isWitness(): boolean {
    return this.#options.isWitness;
  }

  /** As `kennel manager rebuild` leaves it: under this number from its next start on. */
  renumber(number: number): void {
    this.#number = number;
  }

  /** The running manager; null while there is none, before it listens, and for a witness. */
  get manager(): Manager | null {
    return this.#manager;
  }

  /** The manager's process; null while it is down. */
  get process(): SimProcess | null {
    return this.machine.serviceProcess('manager');
  }

  #reach(host: string): SimBmc | 'unreachable' | 'noSuchName' {
    const bmc = this.#options.bmcAt(host);
    if (bmc === null) return 'noSuchName';
    return this.#world.network.reachable(this.name, host) ? bmc : 'unreachable';
  }

  #startManager(process: SimProcess): void {
    const world = this.#world;
    const { name, store } = this.#options;
    const log = world.log.from(process.name);
    const env = makeHostEnv({
      time: world.time,
      process,
      host: name,
      identity: identityOf(world, 'manager', name),
      clock: this.machine.clock,
      network: world.network,
      disk: mountDisk(process, this.disk),
      random: world.random.split(process.name),
      log,
      programs: this.#programs,
    });
    process.onDeath(() => (this.#manager = null));
    const fail = (error: unknown): void => {
      log.error({ err: error }, 'the manager did not start');
      if (!process.dead) this.machine.crash('manager');
    };
    const onFatal = (error: Error): void => {
      log.error({ err: error }, 'the store failed; this process stops');
      if (process.dead) return;
      world.taps.storeFailed?.(name, error);
      this.machine.crash('manager');
    };
    store()
      .open({ manager: name, env, process, onFatal })
      .then((opened) => this.#begin(process, env, opened))
      .then((manager) => (this.#manager = process.dead ? null : manager), fail);
  }

  async #begin(process: SimProcess, env: Env, opened: StoreOfSeat): Promise<Manager | null> {
    const { name, isWitness } = this.#options;
    if (!isWitness) return this.#run(process, env, opened);
    const { store, membership, network } = opened;
    const sessions = { host: name, port: sessionPort };
    await startWitness({ env: { ...env, network }, store, membership, name, sessions });
    return null;
  }

  #run(process: SimProcess, env: Env, opened: StoreOfSeat): Promise<Manager> {
    const world = this.#world;
    const { name, profile } = this.#options;
    return startManager({
      env: { ...env, network: opened.network },
      store: tappedStore(tiedStore(process, opened.store), world.taps, name),
      name,
      clusterId: world.clusterId,
      clusterName: 'simulated',
      // Joining issues certificates; simulated nodes are enrolled already.
      authority: { certificatePem: '', keyPem: '' },
      drivers: builtinDrivers(),
      readXml: () => Promise.reject(new Error('no domain XML in the simulator')),
      sessions: { host: name, port: sessionPort },
      number: this.#number,
      advertised: { api: `${name}:7400`, sessions: `${name}:${sessionPort}` },
      fingerprint: identityOf(world, 'manager', name).fingerprint,
      keys: simKeys,
      membership: opened.membership,
      storeAccess: () => Promise.reject(new Error('nobody joins a simulated cluster')),
      profile,
    });
  }
}
