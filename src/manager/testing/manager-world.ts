import { HostClock } from '../../../chaos/sim/clock.ts';
import { SimDisk } from '../../../chaos/sim/disk.ts';
import { makeHostEnv } from '../../../chaos/sim/host-env.ts';
import { LogRing } from '../../../chaos/sim/log.ts';
import { SimNetwork } from '../../../chaos/sim/network.ts';
import { SimPrograms } from '../../../chaos/sim/processes.ts';
import { randomFromSeed } from '../../../chaos/sim/random.ts';
import { SimProcess } from '../../../chaos/sim/sim-process.ts';
import { tiedStore } from '../../../chaos/sim/tied-ports.ts';
import { VirtualTime } from '../../../chaos/sim/virtual-time.ts';
import { driversOf } from '../../../fencing/registry.ts';
import type { Caller, ClusterService } from '../../api/cluster-service.ts';
import { keyOf, type ClusterObject } from '../../core/cluster-state.ts';
import type { ClusterEvent } from '../../core/model/event.ts';
import { operationId } from '../../core/model/ids.ts';
import type { NodeRecord } from '../../core/model/node.ts';
import type { VmRecord } from '../../core/model/vm.ts';
import { ok, type Outcome } from '../../core/problem.ts';
import type { Env } from '../../env/env.ts';
import type { PeerIdentity } from '../../env/network.ts';
import { storeApart } from '../../store/membership.ts';
import { MemoryCluster } from '../../store/memory/memory-cluster.ts';
import type { MemoryStore } from '../../store/memory/memory-store.ts';
import type { Store, Write } from '../../store/store.ts';
import { keys } from '../keys.ts';
import { startManager, type Manager, type ManagerOptions } from '../manager.ts';
import { decodeObject, encodeObject } from '../object-codec.ts';
import { FakeAgent, type FakeAgentOptions } from './fake-agent.ts';
import { FenceRig } from './fence-rig.ts';
import { testCluster, testKeys } from './test-objects.ts';

export const sessionPort = 7443;

/** What a test puts into the store beforehand. */
export type Seed = ClusterObject | Write;

/** One manager and what a test may do to it from outside. */
export interface ManagerSeat {
  readonly name: string;
  readonly process: SimProcess;
  /** The store client of this manager, before the gate of its process. */
  readonly client: MemoryStore;
  readonly manager: Manager;
}

/**
 * Real managers on a simulated network and an in-memory store, in virtual time; agents and fence
 * devices are played by the test.
 */
export class ManagerWorld {
  readonly time: VirtualTime;
  readonly clock: HostClock;
  readonly log: LogRing;
  readonly network: SimNetwork;
  readonly store: MemoryCluster;
  readonly fencing = new FenceRig();
  readonly #random = randomFromSeed(1);
  readonly #admin: MemoryStore;
  #writes = 0;

  constructor(options: { readonly leaseMs?: number | null; readonly latencyMs?: number } = {}) {
    this.time = new VirtualTime();
    this.clock = new HostClock(this.time);
    this.clock.boot(1000);
    this.log = new LogRing(this.time, 20_000);
    this.network = new SimNetwork(this.time, this.#random.split('network'));
    this.store = new MemoryCluster({
      env: { clock: this.clock, timers: this.timers },
      leaseMs: options.leaseMs ?? null,
      latencyMs: () => options.latencyMs ?? 0,
    });
    this.#admin = this.store.connect('test');
  }

  get timers(): Env['timers'] {
    return { after: (delayMs, action) => this.time.schedule(delayMs, action) };
  }

  env(process: SimProcess, host: string, identity: PeerIdentity): Env {
    const { time, clock, network } = this;
    return makeHostEnv({
      time,
      process,
      host,
      identity,
      clock,
      network,
      disk: new SimDisk({ timers: this.timers, latencyMs: () => 0 }),
      random: this.#random.split(process.name),
      log: this.log.from(host),
      programs: new SimPrograms(time),
    });
  }

  /** The world as one manager process sees it. */
  managerEnv(name = 'm-1'): { readonly env: Env; readonly process: SimProcess } {
    const process = new SimProcess(this.time, name);
    return { process, env: this.env(process, name, identityOf('manager', name)) };
  }

  /** `wrapStore` bends what the manager is given as its store. */
  async startManager(
    name = 'm-1',
    options: Partial<ManagerOptions> & { readonly wrapStore?: (store: Store) => Store } = {},
  ): Promise<ManagerSeat> {
    const { env, process } = this.managerEnv(name);
    const client = this.store.connect(name, env);
    const { wrapStore = (store: Store) => store, ...overrides } = options;
    const starting = startManager({
      env,
      store: wrapStore(tiedStore(process, client)),
      name,
      clusterId: testCluster,
      clusterName: 'test',
      authority: { certificatePem: '', keyPem: '' },
      drivers: driversOf([this.fencing.driver]),
      readXml: () => Promise.reject(new Error('no XML expected')),
      sessions: { host: name, port: sessionPort },
      number: Number(name.slice(2)),
      advertised: { api: `${name}:7400`, sessions: `${name}:${sessionPort}` },
      fingerprint: identityOf('manager', name).fingerprint,
      keys: testKeys,
      membership: storeApart,
      storeAccess: () => Promise.resolve(ok({ kind: 'raft' })),
      profile: 'default',
      ...overrides,
    });
    const manager = await this.wait(starting);
    return { name, process, client, manager };
  }

  /** A manager that leads. */
  async lead(...args: Parameters<ManagerWorld['startManager']>): Promise<ManagerSeat> {
    const seat = await this.startManager(...args);
    await this.until(() => seat.manager.isLeading());
    return seat;
  }

  /** An agent that has dialled `m-1` and was welcomed. */
  async agent(options: FakeAgentOptions): Promise<FakeAgent> {
    const agent = new FakeAgent(this, options);
    await agent.dial();
    await this.until(() => agent.welcomes.length > 0);
    return agent;
  }

  /** Puts objects into the store as they are, past whoever leads. */
  async seed(...seeds: readonly Seed[]): Promise<void> {
    await this.wait(this.seedNow(...seeds));
  }

  /** As `seed`, from within a call that virtual time is already run for. */
  async seedNow(...seeds: readonly Seed[]): Promise<void> {
    this.#writes += 1;
    const outcome = await this.#admin.txn({
      operation: operationId(`seed-${this.#writes}`),
      compare: [],
      then: seeds.map((one) =>
        one.kind === 'put' || one.kind === 'delete'
          ? one
          : { kind: 'put', key: keyOf(one), value: encodeObject(one) },
      ),
    });
    if (outcome.kind !== 'committed') throw new Error(`not seeded: ${outcome.kind}`);
  }

  /** The value of a key as committed. */
  value(key: string): string | null {
    return this.store.machine.get(key)?.value ?? null;
  }

  node(name: string): NodeRecord {
    return this.#object(`node/${name}`, 'node');
  }

  vm(name: string): VmRecord {
    const found = this.vms().find((vm) => vm.spec.name === name);
    if (found === undefined) throw new Error(`no VM ${name} in the store`);
    return found;
  }

  vms(): readonly VmRecord[] {
    return this.objects('vm/') as readonly VmRecord[];
  }

  objects(prefix: string): readonly ClusterObject[] {
    return this.store.machine.list(prefix).flatMap((item) => decodeObject(item.value) ?? []);
  }

  /** The history as committed, oldest first. */
  events(): readonly ClusterEvent[] {
    return this.store.machine
      .list(keys.events)
      .map((item) => JSON.parse(item.value) as ClusterEvent);
  }

  eventCodes(): readonly string[] {
    return this.events().map((event) => event.code);
  }

  /** Runs virtual time until the condition holds; fails with the log when it never does. */
  async until(condition: () => boolean, withinMs = 20_000): Promise<void> {
    if (await this.time.runUntil(condition, withinMs)) return;
    throw new Error(`not within ${withinMs} ms:\n${this.log.lines().slice(-40).join('\n')}`);
  }

  async run(forMs: number): Promise<void> {
    await this.time.runFor(forMs);
  }

  /** Resolves when this much virtual time has passed; somebody else lets it pass. */
  timersPass(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.time.schedule(durationMs, resolve);
    });
  }

  /** Runs virtual time until a promise is settled. */
  async wait<T>(promise: Promise<T>, withinMs = 120_000): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.until(() => isSettled, withinMs);
    return promise;
  }

  /** The answer of a service call; throws the problem when it is one. */
  async ask<T>(
    seat: ManagerSeat,
    question: (service: ClusterService) => Promise<Outcome<T>>,
  ): Promise<T> {
    const outcome = await this.wait(question(seat.manager.service));
    if (outcome.kind === 'problem') throw new Error(JSON.stringify(outcome.problem));
    return outcome.value;
  }

  /** The problem that a service call is answered with; throws when there is none. */
  async refused<T>(seat: ManagerSeat, question: (service: ClusterService) => Promise<Outcome<T>>) {
    const outcome = await this.wait(question(seat.manager.service));
    if (outcome.kind === 'ok') throw new Error(`not refused: ${JSON.stringify(outcome.value)}`);
    return outcome.problem;
  }

  #object<K extends ClusterObject['kind']>(
    key: string,
    kind: K,
  ): Extract<ClusterObject, { kind: K }> {
    const value = this.value(key);
    const object = value === null ? null : decodeObject(value);
    if (object?.kind !== kind) throw new Error(`no ${kind} under ${key}`);
    return object as Extract<ClusterObject, { kind: K }>;
  }
}

export function identityOf(role: PeerIdentity['role'], name: string): PeerIdentity {
  return { clusterId: testCluster, role, name, fingerprint: `print-${name}` };
}

export function caller(options: { readonly dryRun?: boolean } = {}): Caller {
  return { identity: identityOf('admin', 'alice'), dryRun: options.dryRun ?? false, reason: null };
}
