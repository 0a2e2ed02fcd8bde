import type { ClusterService } from '../api/cluster-service.ts';
import { defaultSettings, type DetectionProfile } from '../core/model/settings.ts';
import { ok } from '../core/problem.ts';
import type { Env } from '../env/env.ts';
import type { Listener, NetworkAddress } from '../env/network.ts';
import type { CertificateAuthority } from '../pki/credentials.ts';
import type { Leadership, Store } from '../store/store.ts';
import { DeviceQueues } from '../../fencing/device-queue.ts';
import type { FenceDrivers } from '../../fencing/registry.ts';
import { Leader } from './leader.ts';
import { readFenceSecrets } from './fence-secrets.ts';
import { managerMetrics } from './metrics.ts';
import { Mirror } from './mirror.ts';
import { ObservationBook } from './observation-book.ts';
import { EventLog } from './service/event-log.ts';
import { JoinService } from './service/join-service.ts';
import { ManagerService } from './service/manager-service.ts';
import { NodeService } from './service/node-service.ts';
import { VmService, type ReadDomainXml } from './service/vm-service.ts';
import { SessionHub } from './session-hub.ts';
import { StallMeter } from './stall-meter.ts';

export interface ManagerOptions {
  readonly env: Env;
  readonly store: Store;
  readonly name: string;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly authority: CertificateAuthority;
  readonly drivers: FenceDrivers;
  readonly readXml: ReadDomainXml;
  /** Where agents are listened for. */
  readonly sessions: NetworkAddress;
  /** Session addresses that joining agents are told, `host:port`. */
  readonly managers: readonly string[];
  /** Profile that a new cluster's settings are made from. */
  readonly profile: DetectionProfile;
}

export interface Manager {
  readonly service: ClusterService;
  readonly sessionAddress: NetworkAddress;
  /** True while it leads; its own word, which others need not share. */
  isLeading(): boolean;
  /** Gives up leadership and lets go of everything in order. */
  stop(): Promise<void>;
}

/**
 * A manager: listens to agents from the first moment, campaigns, leads, and campaigns again when
 * leadership is lost. Rejects when the session address cannot be listened on.
 */
export async function startManager(options: ManagerOptions): Promise<Manager> {
  const running = new RunningManager(options);
  await running.start();
  return running;
}

class RunningManager implements Manager {
  readonly service: ClusterService;
  readonly #options: ManagerOptions;
  readonly #book: ObservationBook;
  readonly #stalls: StallMeter;
  readonly #hub: SessionHub;
  readonly #queues: DeviceQueues;
  readonly #events: EventLog;
  readonly #nodes: NodeService;
  readonly #metrics = managerMetrics();
  readonly #stopping = new AbortController();
  #leader: Leader | null = null;
  #listener: Listener | null = null;
  #campaigns: Promise<void> = Promise.resolve();

  constructor(options: ManagerOptions) {
    const { env, store, name, clusterId, clusterName } = options;
    this.#options = options;
    this.#book = new ObservationBook(env.clock);
    this.#stalls = new StallMeter(env, this.#book);
    this.#queues = new DeviceQueues(env);
    this.#hub = new SessionHub(
      env,
      {
        clusterId,
        manager: name,
        timing: () => (this.#leader?.mirror.settings ?? defaultSettings(options.profile)).timing,
      },
      this.#book,
    );
    this.#events = new EventLog(store, env.log, () =>
      this.#leader === null ? null : this.#leader.mirror.nextEvent - 1,
    );
    this.#nodes = new NodeService({
      ...options,
      queues: this.#queues,
      hub: this.#hub,
      secretsOf: (node, device) => readFenceSecrets(store, node, device),
    });
    this.service = new ManagerService({
      name,
      clusterId,
      clusterName,
      store,
      book: this.#book,
      metrics: this.#metrics,
      events: this.#events,
      nodes: this.#nodes,
      vms: new VmService({ env, hub: this.#hub, readXml: options.readXml }),
      joins: new JoinService({ ...options, hub: this.#hub }),
      leader: () => this.#leader,
    });
  }

  get sessionAddress(): NetworkAddress {
    return this.#listener?.address ?? this.#options.sessions;
  }

  isLeading(): boolean {
    return this.#leader?.isLeading() ?? false;
  }

  async start(): Promise<void> {
    const { env, sessions } = this.#options;
    this.#listener = await env.network.listen(sessions, (channel) => this.#hub.accept(channel));
    this.#book.beginObserving();
    this.#stalls.start();
    this.#campaigns = this.#campaignForEver();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#nodes.stop();
    this.#hub.closeAll('this manager stops');
    await this.#listener?.close();
    await this.#campaigns;
    this.#stalls.stop();
  }

  async #campaignForEver(): Promise<void> {
    const { env, store, name } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const leadership = await store.campaign({ candidate: name, signal });
        await this.#lead(leadership);
      } catch (error) {
        if (signal.aborted) return;
        env.log.error({ err: error }, 'campaigning failed; trying again');
        await this.#pause(campaignRetryMs);
      }
    }
  }

  /** Ends early when this manager stops. */
  #pause(delayMs: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#options.env.timers.after(delayMs, end);
      signal.addEventListener('abort', end);
    });
  }

  /** One leadership, from its win to its loss. Whatever goes wrong, the next candidate gets it. */
  async #lead(leadership: Leadership): Promise<void> {
    const { env, store, profile, name } = this.#options;
    try {
      const mirror = new Mirror(leadership.epoch, env.clock, defaultSettings(profile));
      await mirror.load(store);
      const leader = this.#makeLeader(leadership, mirror);
      env.log.info({ manager: name, epoch: leadership.epoch }, 'leading');
      if (mirror.revisionOf('settings') === 0) await writeSettings(leader, env);
      this.#leader = leader;
      this.#hub.lead(leader);
      leader.start();
      // What the last leadership wrote without an answer may hold events that nobody was told of.
      this.#events.deliver();
      await over(leadership, this.#stopping.signal);
      this.#hub.lead(null);
      this.#leader = null;
      await leader.stop();
    } finally {
      await leadership.resign();
    }
    env.log.info({ manager: name, epoch: leadership.epoch }, 'not leading any more');
  }

  #makeLeader(leadership: Leadership, mirror: Mirror): Leader {
    const { env, store, drivers } = this.#options;
    return new Leader({
      env: { ...env, log: env.log.child({ epoch: leadership.epoch }) },
      store,
      leadership,
      mirror,
      book: this.#book,
      stalls: this.#stalls,
      hub: this.#hub,
      drivers,
      queues: this.#queues,
      metrics: this.#metrics,
      onEvents: () => this.#events.deliver(),
    });
  }
}

/** A new cluster's settings. Without them the leader keeps to the same ones, unwritten. */
async function writeSettings(leader: Leader, env: Env): Promise<void> {
  const written = await leader.mutate((draft) => {
    draft.put(leader.mirror.settings);
    return ok(null);
  });
  if (written.kind === 'problem') {
    env.log.warn({ because: written.problem.because }, 'the settings could not be written');
  }
}

/** How soon a failed campaign is tried again, in ms. */
const campaignRetryMs = 1000;

/** Resolves when the leadership is lost or this manager stops. */
function over(leadership: Leadership, stopping: AbortSignal): Promise<void> {
  const signals = [leadership.lost, stopping];
  return new Promise((resolve) => {
    const end = (): void => {
      for (const signal of signals) signal.removeEventListener('abort', end);
      resolve();
    };
    for (const signal of signals) signal.addEventListener('abort', end);
    if (signals.some((signal) => signal.aborted)) end();
  });
}
