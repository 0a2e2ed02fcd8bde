import { startAgent } from '../../agent/agent.ts';
import type { Agent } from '../../agent/agent.ts';
import { bootId, clusterId, nodeId } from '../../src/core/model/ids.ts';
import type { NodeCapacity } from '../../src/core/model/node.ts';
import type { NetworkAddress } from '../../src/env/network.ts';
import { SimBmc } from './bmc.ts';
import { HostClock } from './clock.ts';
import { identityOf } from './cluster-world.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { SimDisk } from './disk.ts';
import type { FencedBy } from './enrolment.ts';
import { feedNames, SimFeeds, type FeedName } from './feeds.ts';
import { makeHostEnv } from './host-env.ts';
import { SimMachine } from './host.ts';
import { SimHypervisor } from './hypervisor.ts';
import {
  installDisk,
  installHypervisor,
  mountDisk,
  powerOf,
  recordWriters,
} from './machine-parts.ts';
import { SimPrograms } from './processes.ts';
import { guestReach } from './guest-reach.ts';
import { SimHost } from './sim-host.ts';
import { SimPower } from './sim-power.ts';
import type { SimProcess } from './sim-process.ts';
import { PetterService } from './petter-service.ts';
import { tiedHypervisor } from './tied-ports.ts';
import { SimWatchdog } from './watchdog-device.ts';
import type { WatchdogTraits } from './watchdog-device.ts';

/** Where agents probe each other. */
const probePort = 7402;

export interface ClusterNodeOptions {
  readonly name: string;
  readonly managers: readonly NetworkAddress[];
  readonly capacity: NodeCapacity;
  readonly bootMs: number;
  /** The capacity stands in the agent's configuration, instead of being asked of the hypervisor. */
  readonly declareCapacity: boolean;
  /** systemd's pause before it starts a crashed agent again; null = it stays down. */
  readonly agentRestartMs: number | null;
  /** Null = the node has none, and keeps its VMs. */
  readonly watchdog: WatchdogTraits | null;
  /** Its disk is a copy of that node's: its agent has that one's name, certificate and machine id. */
  readonly copyOf?: ClusterNode;
}

/** One simulated node: its machine, libvirtd and guests, BMC, state disk, and the real agent. */
export class ClusterNode {
  readonly name: string;
  readonly machineId: string;
  readonly machine: SimMachine;
  readonly hypervisor: SimHost;
  readonly bmc: SimBmc;
  /** The agent's state disk. */
  readonly disk: SimDisk;
  readonly fencedBy: FencedBy;
  /** Null on a node without a watchdog. */
  readonly watchdog: PetterService | null;
  readonly feeds: SimFeeds;
  /** How its operating system goes down. */
  readonly power: SimPower;
  /** The outlets of its supplies, as PDUs that are reached like BMCs; used where they are enrolled. */
  readonly pdus: Readonly<Record<FeedName, SimBmc>>;
  readonly pdusBy: Readonly<Record<FeedName, FencedBy>>;
  readonly #world: ClusterWorld;
  readonly #options: ClusterNodeOptions;
  #agent: Agent | null = null;

  constructor(world: ClusterWorld, options: ClusterNodeOptions) {
    const { name } = options;
    const random = world.random.split(name);
    this.#world = world;
    this.#options = options;
    this.name = name;
    this.machineId =
      options.copyOf?.machineId ?? random.split('machine id').uuid().replaceAll('-', '');
    this.machine = new SimMachine({
      time: world.time,
      name,
      clock: new HostClock(world.time),
      network: world.network,
      random: random.split('machine'),
      bootMs: options.bootMs,
    });
    const recordWriter = recordWriters(world.writes, {
      time: world.time,
      node: name,
      tokenOf: (vm) => this.hypervisor.find(vm)?.live?.permit?.token ?? null,
    });
    this.hypervisor = new SimHost({
      timers: world.env.timers,
      capacity: options.capacity,
      random: random.split('hypervisor'),
      onDiskWriter: (vm, running, permit) => {
        recordWriter(vm, running);
        world.taps.vmRuns?.(name, vm, permit, running);
      },
      onStartAsked: (permit) => world.taps.startAsked?.(name, permit),
      onActed: (vm, verb, permit) => world.taps.acted?.(name, vm, verb, permit),
      peerAt: (address) => {
        const host = world.hypervisors.get(address);
        const { network } = world;
        if (host === undefined) return null;
        const reachable = (): boolean =>
          network.reachable(name, address) && network.reachable(address, name);
        return { host, reachable };
      },
    });
    world.hypervisors.set(name, this.hypervisor);
    installHypervisor(this.machine, this.hypervisor);
    this.power = new SimPower(world.time, this.machine, this.hypervisor);
    this.fencedBy = {
      bmcHost: `bmc-${name}`,
      guid: random.split('bmc').uuid(),
      user: 'kennel',
      password: 'simulated',
    };
    world.network.addHost(this.fencedBy.bmcHost);
    const power = powerOf(this.machine);
    const powerOff = (): void => {
      world.taps.powerCut?.(name);
      power.powerOff();
    };
    this.feeds = new SimFeeds({ ...power, powerOff });
    const isFed = (): boolean => this.feeds.isFed;
    const { env } = world;
    this.bmc = new SimBmc({ env, power: { ...power, powerOff }, isFed, ...this.fencedBy });
    const pdu = (feed: FeedName): FencedBy => ({
      ...this.fencedBy,
      bmcHost: `${feed}-${name}`,
      guid: random.split(feed).uuid(),
    });
    this.pdusBy = { 'pdu-a': pdu('pdu-a'), 'pdu-b': pdu('pdu-b') };
    const outlet = (feed: FeedName): SimBmc =>
      new SimBmc({ env, power: this.feeds.outlet(feed), ...this.pdusBy[feed] });
    this.pdus = { 'pdu-a': outlet('pdu-a'), 'pdu-b': outlet('pdu-b') };
    for (const feed of feedNames) world.network.addHost(this.pdusBy[feed].bmcHost);
    const disk = random.split('disk');
    this.disk = new SimDisk({
      fraction: () => disk.fraction(),
      timers: world.env.timers,
      latencyMs: (operation) => (operation === 'datasync' ? disk.between(0.2, 4) : 0.02),
    });
    installDisk(this.machine, this.disk, { content: 'random', names: 'random' });
    this.watchdog = this.#makeWatchdog(options.watchdog);
    this.machine.addService({
      name: 'agent',
      restartAfterMs: options.agentRestartMs,
      start: (process, boot) => this.#startAgent(process, boot),
    });
  }

  /** The running agent; null while there is none, or before it has started up. */
  get agent(): Agent | null {
    return this.#agent;
  }

  /** The agent's process; null while it is down. For pauses and crashes at a given effect. */
  get process(): SimProcess | null {
    return this.machine.serviceProcess('agent');
  }

  /** Names of the VMs that may write to their disks here. */
  runningVms(): readonly string[] {
    return this.hypervisor
      .domains()
      .filter((domain) => domain.live !== undefined)
      .map((domain) => domain.name)
      .sort();
  }

  #makeWatchdog(traits: WatchdogTraits | null): PetterService | null {
    if (traits === null) return null;
    const { time, taps } = this.#world;
    const { machine, hypervisor: host, name } = this;
    const onBite = (): void => taps.watchdogBit?.(name);
    const device = new SimWatchdog({ time, machine, onBite }, traits);
    const { clock } = machine;
    return new PetterService({
      time,
      machine,
      clock,
      host,
      device,
      onContained: (incarnation, left) => taps.contained?.(name, incarnation, left),
      onTook: (took) => taps.petterTook?.({ node: name, ...took }),
    });
  }

  #startAgent(process: SimProcess, boot: string): void {
    const world = this.#world;
    const { name } = this;
    const agentName = this.#options.copyOf?.name ?? name;
    const log = world.log.from(process.name);
    const env = makeHostEnv({
      time: world.time,
      process,
      host: name,
      identity: identityOf(world, 'agent', agentName),
      clock: this.machine.clock,
      network: world.network,
      disk: mountDisk(process, this.disk),
      random: world.random.split(`${process.name} ${boot}`),
      log,
      programs: new SimPrograms(world.time),
      reach: guestReach(world),
    });
    const client = new SimHypervisor({ env, host: this.hypervisor });
    process.onDeath(() => {
      this.#agent = null;
      void client.close();
    });
    const { capacity, declareCapacity, managers } = this.#options;
    const config = {
      clusterId: clusterId(world.clusterId),
      node: nodeId(agentName),
      machineId: this.machineId,
      dataDirectory: '/var/lib/kennel',
      managers,
      ...(declareCapacity ? { capacity } : {}),
      bootId: bootId(boot),
      isolation: this.watchdog === null ? 'holding' : 'selfFencing',
      probes: [{ host: name, port: probePort }],
      version: '0.0.0-sim',
    } as const;
    const petter =
      this.watchdog === null
        ? {}
        : { petter: { link: this.watchdog.link(process), agentPid: PetterService.pidOf(process) } };
    const power = this.power.portFor(process);
    startAgent({ env, config, power, hypervisor: tiedHypervisor(process, client), ...petter }).then(
      (agent) => (this.#agent = agent),
      (error: unknown) => {
        log.error({ err: error }, 'the agent did not start');
        if (!process.dead) this.machine.crashAgent();
      },
    );
  }
}
