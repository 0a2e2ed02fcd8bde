import { HostClock } from '../../chaos/sim/clock.ts';
import { SimDisk } from '../../chaos/sim/disk.ts';
import { makeHostEnv } from '../../chaos/sim/host-env.ts';
import { guestReach } from '../../chaos/sim/guest-reach.ts';
import { SimHypervisor } from '../../chaos/sim/hypervisor.ts';
import { LogRing } from '../../chaos/sim/log.ts';
import { SimNetwork } from '../../chaos/sim/network.ts';
import { SimPrograms } from '../../chaos/sim/processes.ts';
import { randomFromSeed } from '../../chaos/sim/random.ts';
import { SimHost } from '../../chaos/sim/sim-host.ts';
import { SimProcess } from '../../chaos/sim/sim-process.ts';
import { tiedHypervisor } from '../../chaos/sim/tied-ports.ts';
import { VirtualTime } from '../../chaos/sim/virtual-time.ts';
import type { AgentCommand } from '../../src/api/schema/session.ts';
import { bootId, clusterId, nodeId, vmId } from '../../src/core/model/ids.ts';
import type { Env } from '../../src/env/env.ts';
import type { PeerIdentity } from '../../src/env/network.ts';
import { startAgent } from '../agent.ts';
import type { AgentConfig } from '../agent-config.ts';
import type { Agent } from '../agent.ts';
import { FakeManager } from './fake-manager.ts';
import { testSpec } from './test-spec.ts';

export const testCluster = clusterId('11111111-1111-4111-8111-111111111111');
export const testNode = nodeId('node-1');
export const testVm = vmId('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
export const otherVm = vmId('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb');
export const firstBoot = bootId('22222222-2222-4222-8222-222222222222');
export const secondBoot = bootId('33333333-3333-4333-8333-333333333333');
export const stateFile = '/var/lib/kennel/agent-state';

type Command<Kind extends AgentCommand['kind']> = Extract<AgentCommand, { kind: Kind }>;

export interface WorldOptions {
  /** Time that each disk operation takes; a replaced file takes several. */
  readonly diskLatencyMs?: number;
  readonly hypervisorCallMs?: number;
}

/**
 * One simulated node with its agent, and managers played by the test, all in virtual time. What
 * outlives an agent (disk, host, network) stays over its restarts.
 */
export class AgentWorld {
  readonly time = new VirtualTime();
  readonly log = new LogRing(this.time);
  readonly disk: SimDisk;
  readonly host: SimHost;
  readonly managers: FakeManager[] = [];
  readonly network: SimNetwork;
  readonly clock = new HostClock(this.time);
  /** What an agent here can run; nothing unless a test installs it. */
  readonly programs = new SimPrograms(this.time);
  readonly #random = randomFromSeed(1);
  process: SimProcess;
  agent: Agent | null = null;
  bootId = firstBoot;
  #starts = 0;
  #operations = 0;

  constructor(options: WorldOptions = {}) {
    this.network = new SimNetwork(this.time, this.#random.split('network'));
    const timers = {
      after: (delayMs: number, run: () => void) => this.time.schedule(delayMs, run),
    };
    const latencyMs = (): number => options.diskLatencyMs ?? 0;
    this.disk = new SimDisk({ timers, latencyMs });
    const latency = { callMs: options.hypervisorCallMs ?? 1 };
    this.host = new SimHost({ timers, latency, capacity: { memoryMiB: 4096, vcpus: 8 } });
    this.process = new SimProcess(this.time, 'agent');
    this.clock.boot(1000);
  }

  /** A world with one manager that leads, and its agent with a lease. */
  static async ready(
    options: WorldOptions & {
      readonly managers?: number;
      readonly config?: Partial<AgentConfig>;
    } = {},
  ): Promise<AgentWorld> {
    const world = new AgentWorld(options);
    for (let count = 0; count < (options.managers ?? 1); count += 1) await world.addManager();
    await world.start(options.config);
    await world.until(() => world.managers.every((manager) => manager.heartbeats.length > 0));
    await world.until(() => world.agent?.status().leaseLeftMs !== null);
    await world.until(() => world.manager.report.hypervisor === 'ok');
    return world;
  }

  get manager(): FakeManager {
    const [manager] = this.managers;
    if (manager === undefined) throw new Error('this world has no manager');
    return manager;
  }

  async addManager(): Promise<FakeManager> {
    const name = `mgr-${this.managers.length + 1}`;
    const process = new SimProcess(this.time, name);
    const identity = this.#identity('manager', name);
    const manager = new FakeManager({
      network: this.network.port({ host: name, identity, process }),
      address: { host: name, port: 7000 },
      clusterId: testCluster,
      epoch: 5,
    });
    this.managers.push(manager);
    await this.wait(manager.listen());
    return manager;
  }

  /** Starts an agent process on the node; the one before it must have ended. */
  async start(overrides: Partial<AgentConfig> = {}): Promise<Agent> {
    this.#starts += 1;
    this.process = new SimProcess(this.time, `agent#${this.#starts}`);
    const env = this.env(this.process);
    const hypervisor = new SimHypervisor({ env, host: this.host });
    this.agent = await this.wait(
      startAgent({
        env,
        config: { ...this.config(), ...overrides },
        hypervisor: tiedHypervisor(this.process, hypervisor),
      }),
    );
    return this.agent;
  }

  config(): AgentConfig {
    return {
      clusterId: testCluster,
      node: testNode,
      machineId: 'machine-1',
      dataDirectory: '/var/lib/kennel',
      managers: this.managers.map((_manager, index) => ({ host: `mgr-${index + 1}`, port: 7000 })),
      bootId: this.bootId,
      isolation: 'holding',
      version: '0.1.0',
    };
  }

  env(process: SimProcess): Env {
    return makeHostEnv({
      reach: guestReach({ hypervisors: new Map([[testNode, this.host]]) }),
      time: this.time,
      process,
      host: testNode,
      identity: this.#identity('agent', testNode),
      clock: this.clock,
      network: this.network,
      disk: this.disk,
      random: this.#random.split(`agent#${this.#starts}`),
      log: this.log.from('agent'),
      programs: this.programs,
    });
  }

  /** As `kill -9`: nothing of it goes on, what it asked the host for may. */
  crash(): void {
    this.process.kill('crash');
    this.disk.kill();
    this.agent = null;
  }

  /** Runs virtual time until the condition holds; fails with the log when it never does. */
  async until(condition: () => boolean, withinMs = 20_000): Promise<void> {
    if (await this.time.runUntil(condition, withinMs)) return;
    throw new Error(`not within ${withinMs} ms:\n${this.log.lines().slice(-40).join('\n')}`);
  }

  /** Runs virtual time until a promise is settled. */
  async wait<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.until(() => isSettled, withinMs);
    return promise;
  }

  operation(): string {
    this.#operations += 1;
    return `op-${this.#operations}`;
  }

  startCommand(
    token: number,
    fields: Partial<Command<'start'>> & { readonly vm?: string } = {},
  ): Command<'start'> {
    const { vm = testVm, ...rest } = fields;
    const { incarnation } = this.manager;
    const permit = { vm, node: testNode, incarnation, token };
    const name = `vm-${vm.slice(0, 4)}`;
    return { kind: 'start', operation: this.operation(), permit, spec: testSpec(name), ...rest };
  }

  permitCommand(token: number, previousToken: number | null): Command<'permit'> {
    const { incarnation } = this.manager;
    const permit = { vm: testVm, node: testNode, incarnation, token };
    return { kind: 'permit', operation: this.operation(), permit, previousToken };
  }

  releaseCommand(token: number, fields: Partial<Command<'release'>> = {}): Command<'release'> {
    const { incarnation } = this.manager;
    const base = { operation: this.operation(), vm: testVm, incarnation, token, graceMs: 0 };
    return { kind: 'release', ...base, ...fields };
  }

  /** Sends a command and runs until its (next) outcome is there. */
  async run(command: AgentCommand, withinMs = 90_000): Promise<string> {
    const before = this.manager.outcomes(command.operation).length;
    this.manager.command([command]);
    await this.until(() => this.manager.outcomes(command.operation).length > before, withinMs);
    return this.lastOutcome(command.operation);
  }

  /** `done`, `failed code`, `refused because` or `ambiguous`. */
  lastOutcome(operation: string): string {
    const outcome = this.manager.outcomes(operation).at(-1);
    if (outcome?.kind === 'refused') return `refused ${outcome.because}`;
    if (outcome?.kind === 'failed') return `failed ${outcome.code}`;
    return outcome?.kind ?? 'none';
  }

  #identity(role: PeerIdentity['role'], name: string): PeerIdentity {
    return { clusterId: testCluster, role, name, fingerprint: name.padEnd(64, '0') };
  }
}
