import { vmSpecSchema } from '../../src/api/schema/vm-spec.ts';
import type { DetectionProfile } from '../../src/core/model/settings.ts';
import { defaultLimits } from '../../src/core/model/vm.ts';
import type { VmSpec } from '../../src/core/model/vm.ts';
import type { Outcome } from '../../src/core/problem.ts';
import type { RaftTiming } from '../../src/store/raft/timing.ts';
import type { Write } from '../../src/store/store.ts';
import type { SimBmc } from './bmc.ts';
import { feedNames } from './feeds.ts';
import { ClusterManager, sessionPort } from './cluster-manager.ts';
import { ClusterNode } from './cluster-node.ts';
import { identityOf, makeClusterWorld } from './cluster-world.ts';
import type { ClusterWorld, ClusterWorldOptions } from './cluster-world.ts';
import { enrolmentWrites, managerWrites } from './enrolment.ts';
import { RaftSimStore } from './raft-sim-store.ts';
import { MemorySimStore } from './memory-sim-store.ts';
import type { SimStore } from './sim-store.ts';
import type { WatchdogTraits } from './watchdog-device.ts';

export type StoreKind = 'memory' | 'raft';

/** A leader is missed after 1 to 2 s; half as many ticks as in production make half the events. */
const raftTiming: RaftTiming = { tickMs: 100, heartbeatTicks: 2, electionTicks: 10 };

export interface SimClusterOptions extends ClusterWorldOptions {
  readonly managers: number;
  readonly nodes: number;
  /** Default `default`. */
  readonly detection?: DetectionProfile;
  /**
   * `memory`: one consistent store behind links. `file`: the durable log on the disk of the manager,
   * of which there must be one. `raft`: what the managers replicate among themselves. Default
   * `memory`.
   */
  readonly store?: StoreKind;
  /** Of `raft`: so many managers, the last ones, join while the cluster runs. Default 0. */
  readonly joining?: number;
  /** Of `raft`: the last manager only votes. Default false. */
  readonly hasWitness?: boolean;
  /** Leadership of the simulated store lasts this long without renewal. Default 4 s. */
  readonly storeLeaseMs?: number;
  /** Longest way to the simulated store or back. Default 3 ms. */
  readonly storeLatencyMs?: number;
  /** Power on to a running kernel, for every machine. Default 40 s. */
  readonly bootMs?: number;
  /** Every node has a second level: the outlets of its two supplies. In ms; null = one level only. */
  readonly levelBudgetMs?: number | null;
  /** Nodes state their capacity in the agent's configuration. Default: the hypervisor is asked. */
  readonly declareCapacity?: boolean;
  /** Null = a crashed agent stays down. Default 2 s. */
  readonly agentRestartMs?: number | null;
  /** The watchdog of each node, by name; a node without one keeps its VMs. Default: none has one. */
  readonly watchdogs?: Readonly<Record<string, WatchdogTraits>>;
  /** Null = a crashed manager stays down. Default 2 s. */
  readonly managerRestartMs?: number | null;
}

/**
 * A whole cluster in one process under virtual time: the real managers, agents, fencing and
 * drivers on simulated machines. Everything it does follows from its options.
 */
export class SimCluster {
  readonly world: ClusterWorld;
  readonly managers: readonly ClusterManager[];
  readonly nodes: readonly ClusterNode[];
  /** The store behind all managers, with its hooks for cuts, ambiguity and forced expiry. */
  readonly store: SimStore;
  /** What answers at each address of the fencing network. */
  readonly #bmcs: Map<string, SimBmc>;
  readonly #joining: number;
  readonly #levelBudgetMs: number | null;

  constructor(options: SimClusterOptions) {
    const world = makeClusterWorld(options);
    this.world = world;
    this.#joining = options.joining ?? 0;
    const names = numbered('m', options.managers);
    const managers = names.map((host) => ({ host, port: sessionPort }));
    const bootMs = options.bootMs ?? 40_000;
    this.nodes = numbered('node', options.nodes).map(
      (name) =>
        new ClusterNode(world, {
          name,
          managers,
          capacity: { memoryMiB: 64 * 1024, vcpus: 32 },
          bootMs,
          declareCapacity: options.declareCapacity ?? false,
          agentRestartMs: orDefault(options.agentRestartMs, 2000),
          watchdog: options.watchdogs?.[name] ?? null,
        }),
    );
    this.#levelBudgetMs = options.levelBudgetMs ?? null;
    this.#bmcs = new Map(
      this.nodes.flatMap((node) => [
        [node.fencedBy.bmcHost, node.bmc] as const,
        ...feedNames.map((feed) => [node.pdusBy[feed].bmcHost, node.pdus[feed]] as const),
      ]),
    );
    this.managers = names.map(
      (name, index) =>
        new ClusterManager(world, {
          name,
          isWitness: options.hasWitness === true && index === names.length - 1,
          store: () => this.store,
          managers,
          profile: options.detection ?? 'default',
          bmcAt: (host) => this.#bmcs.get(host) ?? null,
          restartMs: orDefault(options.managerRestartMs, 2000),
          bootMs,
        }),
    );
    this.store = this.#makeStore(options);
  }

  /** Enrols the nodes and lets every machine run. Boots are over at once this first time. */
  async start(): Promise<void> {
    const writes = enrolmentWrites(
      this.nodes.map((node) => ({
        name: node.name,
        machineId: node.machineId,
        fingerprint: identityOf(this.world, 'agent', node.name).fingerprint,
        fencedBy: node.fencedBy,
        ...(this.#levelBudgetMs === null
          ? {}
          : { pdus: node.pdusBy, levelBudgetMs: this.#levelBudgetMs }),
      })),
    );
    await this.settle(() => this.store.prepare([...this.managerWrites(), ...writes]));
    for (const { machine } of [...this.managers, ...this.nodes]) machine.startBooted();
  }

  /** The records of the managers, which each of them expects to find. */
  managerWrites(): readonly Write[] {
    return managerWrites(
      this.managers.map(({ name, isWitness }, index) => ({
        name,
        isWitness,
        fingerprint: identityOf(this.world, 'manager', name).fingerprint,
        sessions: `${name}:${sessionPort}`,
        role: this.#isFounder(index) ? 'voter' : 'learner',
      })),
    );
  }

  /** Managers that believe they lead; in a split there may be two. */
  leaders(): readonly ClusterManager[] {
    return this.managers.filter((each) => each.manager?.isLeading() === true);
  }

  node(name: string): ClusterNode {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  /** From now on this BMC answers at that node's address: cables or addresses were mixed up. */
  plugBmc(at: ClusterNode, bmc: SimBmc): void {
    this.#bmcs.set(at.fencedBy.bmcHost, bmc);
  }

  /** Runs virtual time until a call has ended. Throws when it takes longer than `withinMs`. */
  async settle<T>(call: () => Promise<T>, withinMs = 60_000): Promise<T> {
    let end: { readonly result: Promise<T> } | null = null;
    const result = call();
    const ended = (): void => {
      end = { result };
    };
    result.then(ended, ended);
    if (!(await this.world.time.runUntil(() => end !== null, withinMs))) {
      throw new Error(`a call did not end within ${withinMs} ms`);
    }
    return result;
  }

  #isFounder(index: number): boolean {
    return index < this.managers.length - this.#joining;
  }

  #makeStore(options: SimClusterOptions): SimStore {
    const { world } = this;
    if (options.store === 'raft') {
      return new RaftSimStore({
        clusterId: world.clusterId,
        members: this.managers.map(({ name, disk, isWitness }, index) => ({
          isWitness,
          number: index + 1,
          name,
          address: `${name}:${sessionPort}`,
          disk,
          isFounder: this.#isFounder(index),
        })),
        env: { clock: world.env.clock, log: world.log.from('enrolment') },
        timing: raftTiming,
        random: world.random.split('store clients'),
        taps: world.taps,
      });
    }
    return new MemorySimStore({
      env: world.env,
      random: world.random.split('store'),
      leaseMs: options.storeLeaseMs ?? 4000,
      latencyMs: options.storeLatencyMs ?? 3,
    });
  }

  /** Asks the leader, waiting for one, as a client does. */
  async ask<T>(question: (leader: ClusterManager) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const { time } = this.world;
    if (!(await time.runUntil(() => this.leaders().length > 0, 60_000))) {
      throw new Error('no leader within 60 s');
    }
    const [leader] = this.leaders();
    if (leader === undefined) throw new Error('the leader is gone');
    return this.settle(() => question(leader));
  }

  /** Creates a VM with one disk of its own, wanted running. */
  async createVm(name: string, patch: Partial<VmSpec> = {}): Promise<void> {
    const { clusterId } = this.world;
    const spec = { ...smallVm(name), ...patch };
    const outcome = await this.ask((leader) => {
      if (leader.manager === null) throw new Error('the leader is gone');
      return leader.manager.service.createVm(
        { id: null, spec: vmSpecSchema.parse(spec), desired: 'running', node: null },
        { identity: identityOf({ clusterId }, 'admin', 'sim'), dryRun: false, reason: null },
      );
    });
    if (outcome.kind === 'problem') {
      throw new Error(`${outcome.problem.what}: ${outcome.problem.because}`);
    }
  }

  /** Names of the nodes on which a VM of this name may write to its disk. */
  whereIs(vm: string): readonly string[] {
    return this.nodes.filter((node) => node.runningVms().includes(vm)).map((node) => node.name);
  }
}

function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
}

function orDefault(value: number | null | undefined, otherwise: number): number | null {
  return value === undefined ? otherwise : value;
}

function smallVm(name: string): VmSpec {
  return {
    name,
    vcpus: 1,
    memoryMiB: 512,
    disks: [
      {
        source: { kind: 'sharedFile', path: `/vms/${name}.qcow2` },
        format: 'qcow2',
        bus: 'virtio',
        readOnly: false,
      },
    ],
    interfaces: [],
    priority: 'medium',
    definition: { kind: 'typed', machine: null, emulated: false },
    consoleLog: null,
    separateFrom: [],
    nodes: [],
    limits: defaultLimits,
  };
}
