import { sessionProtocolVersion } from '../src/api/schema/session.ts';
import type {
  AgentMessage,
  Depart,
  GuestList,
  ManagerList,
  PeerList,
  StreamOpen,
} from '../src/api/schema/session.ts';
import type { HoldList } from '../src/api/schema/peer-hold.ts';
import type { KeptPromise } from '../src/core/hold/promiser.ts';
import type { IncarnationId, NodeId } from '../src/core/model/ids.ts';
import type { Env } from '../src/env/env.ts';
import type { NetworkAddress } from '../src/env/network.ts';
import { KennelError } from '../src/errors/kennel-error.ts';
import type { AgentConfig } from './agent-config.ts';
import { ChangeSignal } from './change-signal.ts';
import { refused } from './checks.ts';
import { DaemonRestart } from './daemon-restart.ts';
import { Departure } from './departure.ts';
import { Executor } from './executor.ts';
import type { Asker } from './executor.ts';
import { HoldFile } from './hold/hold-file.ts';
import { PeerHold } from './hold/peer-hold.ts';
import type { HostPower } from './host-power.ts';
import { GuestStreams } from './guest-streams.ts';
import { GuestChecks } from './guest-checks.ts';
import type { Hypervisor } from './hypervisor.ts';
import { newIncarnationId } from './incarnation.ts';
import { endLease, grantsLease, noLease, renewLease } from './lease.ts';
import type { Lease, LeaseAck } from './lease.ts';
import { ManagerListFile } from './manager-list.ts';
import { ManagerSession } from './manager-session.ts';
import type { ManagerSessionStatus } from './manager-session.ts';
import { ManagerSessions } from './manager-sessions.ts';
import { lockNode } from './node-lock.ts';
import { PeerProbes } from './peer-probes.ts';
import { Reporter } from './reporter.ts';
import type { ReceivedMessage } from './session-messages.ts';
import { readStateFile, StateFile } from './state-file.ts';
import { defaultTuning } from './tuning.ts';
import type { AgentTuning } from './tuning.ts';
import { coveredHypervisor } from './watchdog/covered-hypervisor.ts';
import { SelfFencing, type PetterLink } from './watchdog/self-fencing.ts';

export interface AgentStatus {
  readonly node: NodeId;
  readonly incarnation: IncarnationId;
  readonly epochSeen: number;
  /** What is left of the lease, ms; 0 when it is over, null when there never was one. */
  readonly leaseLeftMs: number | null;
  readonly hypervisor: 'ok' | 'unreachable';
  /** Why commands that need the state file are refused; null = healthy. */
  readonly degraded: string | null;
  /** Commands accepted and not over. */
  readonly pending: number;
  readonly sessions: readonly ManagerSessionStatus[];
}

export interface Agent {
  /** Ends sessions and work, lets calls under way end, frees the lock. VMs are not touched. */
  stop(): Promise<void>;
  status(): AgentStatus;
}

interface AgentOptions {
  readonly env: Env;
  readonly config: AgentConfig;
  readonly hypervisor: Hypervisor;
  /** Absent: the machine's own shutdown is not noticed. */
  readonly power?: HostPower | undefined;
  /** This process as the petter knows it, and the way to the petter. Absent = there is none. */
  readonly petter?: { readonly link: PetterLink; readonly agentPid: number };
}

/**
 * Starts the agent of a node: a new incarnation, sessions with all managers, and whatever runs here
 * left as it is. It starts no VM by itself, not even after a reboot.
 *
 * Throws `KennelError`: `E_STORE_LOCKED` when this node has an agent already, `E_DATA_DIRECTORY`
 * when the directory cannot be used or belongs to another agent, `E_USAGE` without managers.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { env, config } = options;
  if (config.managers.length === 0) {
    throw new KennelError({
      code: 'E_USAGE',
      what: 'the agent knows no manager',
      because: 'its list of manager addresses is empty',
      so: 'it does not start',
      try: ['name at least one manager address'],
    });
  }
  const unlock = await lockNode(env, config);
  try {
    const tuning = { ...defaultTuning, ...config.tuning };
    const path = `${config.dataDirectory}/agent-state`;
    const stateOptions = { env, path, retryMs: tuning.stateRetryMs };
    const { clusterId, node, bootId } = config;
    const previous = await readStateFile(stateOptions, { clusterId, node, bootId });
    const incarnation = newIncarnationId(bootId, env.random, previous?.incarnation ?? null);
    const owner = { clusterId, node, bootId, incarnation };
    const state = new StateFile(stateOptions, owner, previous);
    const listPath = `${config.dataDirectory}/managers.json`;
    const managers = await ManagerListFile.read(env, listPath, clusterId);
    const promises = await HoldFile.read(env, `${config.dataDirectory}/peer-hold.json`);
    const parts = { ...options, tuning, incarnation, state, managers, promises, unlock };
    const agent = new RunningAgent(parts);
    await agent.start();
    return agent;
  } catch (error) {
    await unlock();
    throw error;
  }
}

interface RunningAgentOptions extends AgentOptions {
  readonly tuning: AgentTuning;
  readonly incarnation: IncarnationId;
  readonly state: StateFile;
  readonly managers: ManagerListFile;
  readonly promises: { readonly file: HoldFile; readonly kept: KeptPromise };
  readonly unlock: () => Promise<void>;
}

class RunningAgent implements Agent {
  readonly #options: RunningAgentOptions;
  readonly #reporter: Reporter;
  readonly #executor: Executor;
  readonly #daemon: DaemonRestart;
  readonly #sessions: ManagerSessions;
  readonly #probes: PeerProbes;
  readonly #guests: GuestChecks;
  readonly #changes: ChangeSignal;
  readonly #streams: GuestStreams;
  readonly #departure: Departure;
  readonly #selfFencing: SelfFencing | null;
  readonly #hold: PeerHold;
  #lease: Lease = noLease;
  #lastLeaseMs: number | null = null;
  #stopped: Promise<void> | null = null;

  constructor(options: RunningAgentOptions) {
    this.#options = options;
    const { env, config, hypervisor, tuning, incarnation, state } = options;
    this.#changes = new ChangeSignal(env.timers);
    this.#selfFencing = this.#makeSelfFencing();
    this.#hold = this.#makeHold();
    this.#daemon = new DaemonRestart({
      env,
      command: config.restartHypervisor ?? null,
      tuning,
      onChange: () => this.#reporter.publish(),
    });
    this.#departure = new Departure({
      env,
      power: options.power ?? null,
      lastLeaseMs: () => this.#lastLeaseMs,
      onChange: () => this.#reporter.publish(),
    });
    this.#guests = new GuestChecks({
      env,
      hypervisor,
      onChange: () => this.#reporter.publish(),
    });
    this.#reporter = new Reporter({
      env,
      hypervisor,
      tuning,
      capacity: config.capacity ?? null,
      degraded: () => state.degraded,
      mending: () => this.#daemon.text,
      leaving: () => this.#departure.leaving,
      watchdog: () => this.#selfFencing?.attested ?? null,
      peerHold: () => this.#hold.reported,
      onLook: (answers) => this.#daemon.note(answers),
      leftover: state.leftover.map((entry) => entry.vm),
      checks: (domain) => this.#guests.verdicts(domain),
      onDomains: (domains) => this.#guests.note(domains),
      onReport: (report) => this.#sessions.report(report),
    });
    this.#streams = new GuestStreams({
      hypervisor,
      domains: this.#reporter.domains,
      log: env.log,
    });
    this.#executor = new Executor({
      env,
      hypervisor: this.#covered(hypervisor),
      domains: this.#reporter.domains,
      changes: this.#changes,
      state,
      tuning,
      self: {
        clusterId: config.clusterId,
        node: config.node,
        bootId: config.bootId,
        incarnation,
      },
      lease: () => this.#lease,
      onEnd: () => this.#reporter.hint(),
    });
    this.#probes = new PeerProbes({
      env,
      clusterId: config.clusterId,
      bootId: config.bootId,
      listen: config.probes ?? [],
      onSightings: (nodes) => this.#sessions.sightings(nodes),
      onPromiseAsk: (sequence) => this.#hold.answer(sequence),
    });
    this.#sessions = new ManagerSessions(
      (address, onOpen) => this.#session(address, onOpen),
      config.managers,
      options.managers.known,
    );
  }

  #makeSelfFencing(): SelfFencing | null {
    const { env, config, incarnation, petter } = this.#options;
    if (petter === undefined) return null;
    return new SelfFencing({
      link: petter.link,
      policy: config.isolation,
      self: { bootId: config.bootId, incarnation, agentPid: petter.agentPid },
      log: env.log,
      running: () => {
        const { domains } = this.#reporter.current();
        return (
          domains?.filter((one) => one.active && one.permit !== null).map((one) => one.vm) ?? null
        );
      },
      onChange: () => this.#reporter.publish(),
    });
  }

  #makeHold(): PeerHold {
    const { env, config, promises } = this.#options;
    return new PeerHold({
      env,
      clusterId: config.clusterId,
      node: config.node,
      ...promises,
      fencesItself: () => this.#selfFencing !== null && this.#selfFencing.attested !== null,
      onPromise: () => {
        this.#lease = endLease(this.#lease, env.clock.boottimeMs());
      },
      onHeld: (untilMs) => this.#selfFencing?.held(untilMs),
      onChange: () => this.#reporter.publish(),
    });
  }

  #covered(hypervisor: Hypervisor): Hypervisor {
    return this.#selfFencing === null
      ? hypervisor
      : coveredHypervisor(hypervisor, this.#selfFencing);
  }

  async start(): Promise<void> {
    const { env, config, hypervisor, incarnation, state } = this.#options;
    env.log.info({ node: config.node, incarnation, epoch: state.epochSeen }, 'agent starts');
    state.onDegraded(() => this.#reporter.publish());
    hypervisor.onChange(() => {
      this.#changes.notify();
      this.#reporter.hint();
    });
    hypervisor.open();
    this.#reporter.start();
    this.#departure.start();
    // The hello says where it may be probed.
    await this.#probes.listen();
    this.#sessions.start();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  status(): AgentStatus {
    const { env, config, incarnation, state } = this.#options;
    const { untilMs } = this.#lease;
    return {
      node: config.node,
      incarnation,
      epochSeen: state.epochSeen,
      leaseLeftMs: untilMs === null ? null : Math.max(0, untilMs - env.clock.boottimeMs()),
      hypervisor: this.#reporter.current().hypervisor,
      degraded: state.degraded,
      pending: this.#executor.pending,
      sessions: this.#sessions.status(),
    };
  }

  async #stop(): Promise<void> {
    const { env, hypervisor, state, managers, unlock } = this.#options;
    this.#sessions.stop();
    await this.#probes.stop();
    await this.#hold.stop();
    this.#reporter.stop();
    this.#departure.stop();
    this.#guests.stop();
    this.#streams.stop();
    this.#daemon.stop();
    await this.#executor.stop();
    await state.close();
    await managers.close();
    await hypervisor.close();
    await unlock();
    env.log.info({}, 'agent stopped');
  }

  #session(address: NetworkAddress, onOpen: () => void): ManagerSession {
    const { env, config, tuning } = this.#options;
    return new ManagerSession({
      env,
      address,
      clusterId: config.clusterId,
      tuning,
      hello: () => this.#hello(),
      report: () => this.#reporter.current(),
      boundMs: () => this.#hold.boundMs(),
      onAck: (ack) => this.#takeAck(ack),
      onCommands: (message, asker) => this.#takeCommands(message, asker),
      onManagers: (list) => this.#takeManagers(list),
      onPeers: (list) => this.#takePeers(list),
      onDepart: (message) => this.#takeDepart(message),
      onGuests: (list) => this.#takeGuests(list),
      onStreamOpen: (message, asker) => this.#takeStream(message, asker),
      onStreamControl: (message, asker) => this.#streams.control(message, asker),
      onEnd: (asker) => this.#streams.drop(asker),
      onHold: (list) => this.#takeHold(list),
      onOpen,
    });
  }

  #hello(): Extract<AgentMessage, { kind: 'hello' }> {
    const { config, incarnation, state } = this.#options;
    const { known } = this.#options.managers;
    return {
      kind: 'hello',
      protocol: sessionProtocolVersion,
      version: config.version,
      clusterId: config.clusterId,
      node: config.node,
      machineId: config.machineId,
      incarnation: { id: incarnation, bootId: config.bootId, isolation: 'holding' },
      epochSeen: state.epochSeen,
      roster: known === null ? null : { epoch: known.epoch, version: known.version },
      probePort: this.#probes.port,
      asksGuests: true,
      opensStreams: true,
      report: this.#reporter.current(),
    };
  }

  #takePeers(list: PeerList): void {
    const { config, state } = this.#options;
    if (list.clusterId === config.clusterId && list.epoch >= state.epochSeen) {
      this.#probes.follow(list);
    }
  }

  #takeDepart({ clusterId, epoch, incarnation, action }: Depart): void {
    const { config, state, incarnation: own } = this.#options;
    const isMeant = clusterId === config.clusterId && incarnation === own;
    if (isMeant && epoch >= state.epochSeen) this.#departure.mayGo(action);
  }

  #takeGuests(list: GuestList): void {
    const { config, state } = this.#options;
    if (list.clusterId === config.clusterId && list.epoch >= state.epochSeen) {
      this.#guests.follow(list);
    }
  }

  #takeStream(message: StreamOpen, asker: Asker): void {
    const { config, state, incarnation } = this.#options;
    const { clusterId, epoch } = message;
    const isMeant = clusterId === config.clusterId && message.incarnation === incarnation;
    if (isMeant && epoch >= state.epochSeen) {
      void this.#streams.open(message, asker);
      return;
    }
    const because = 'it is for another start of this agent, or of an earlier leader';
    asker.answer({ kind: 'streamClosed', stream: message.stream, because });
  }

  #takeHold(list: HoldList): void {
    const { config, state } = this.#options;
    if (list.clusterId === config.clusterId && list.epoch >= state.epochSeen) {
      this.#hold.follow(list);
    }
  }

  #takeAck(ack: LeaseAck): void {
    const { incarnation, state } = this.#options;
    if (!grantsLease(ack, { incarnation, epochSeen: state.epochSeen })) return;
    state.meetEpoch(ack.epoch);
    if (!this.#hold.offered(ack)) return;
    this.#lease = renewLease(this.#lease, ack);
    this.#lastLeaseMs = this.#options.env.clock.boottimeMs();
    if (this.#lease.untilMs !== null) this.#selfFencing?.leased(ack, this.#lease.untilMs);
  }

  /** From a leader that is not older than one met before, or it would undo what that one told. */
  #takeManagers(list: ManagerList): void {
    const { env, config, state, managers } = this.#options;
    if (list.clusterId !== config.clusterId || list.epoch < state.epochSeen) return;
    if (!managers.take(list)) return;
    env.log.info({ version: list.version, managers: list.managers }, 'managers of the cluster');
    this.#sessions.follow(list.managers);
  }

  #takeCommands(message: Extract<ReceivedMessage, { kind: 'commands' }>, asker: Asker): void {
    for (const command of message.commands) this.#executor.take(command, message.envelope, asker);
    for (const { operation, because } of message.unreadable) {
      this.#options.env.log.warn({ operation, err: because }, 'command cannot be read');
      if (operation === null) continue;
      const detail = `this agent cannot read the command: ${because}`.slice(0, 4096);
      asker.answer({ kind: 'result', operation, outcome: refused('conflict', detail) });
    }
  }
}
