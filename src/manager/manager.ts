import type { ClusterService } from '../api/cluster-service.ts';
import type { StoreAccess } from '../api/schema/managers.ts';
import {
  defaultSettings,
  type DetectionProfile,
  type TimingSettings,
} from '../core/model/settings.ts';
import { managerId } from '../core/model/ids.ts';
import { ok, type Outcome } from '../core/problem.ts';
import { isRecorded, recordSelf, wasRemoved, type OwnEntry } from '../core/request/manager.ts';
import { overdueAfterMs } from '../core/timing/silence.ts';
import type { Env } from '../env/env.ts';
import type { Listener, NetworkAddress } from '../env/network.ts';
import { SecretBox, type ClusterKeys } from '../pki/cluster-keys.ts';
import type { CertificateAuthority } from '../pki/credentials.ts';
import { fillingKey, movedKey } from '../store/backup/content.ts';
import type { Membership } from '../store/membership.ts';
import type { Leadership, Store, WatchBatch } from '../store/store.ts';
import { DeviceQueues } from '../../fencing/device-queue.ts';
import type { FenceDrivers } from '../../fencing/registry.ts';
import { AlarmWatch } from './alerts/alarm-watch.ts';
import { AlertSecrets } from './alerts/alert-secrets.ts';
import { AlertSenders } from './alerts/alert-senders.ts';
import { Leader } from './leader.ts';
import { FenceSecrets } from './fence-secrets.ts';
import { keys } from './keys.ts';
import { MembershipKeeper } from './membership-keeper.ts';
import { managerMetrics } from './metrics.ts';
import { Mirror } from './mirror.ts';
import { NotedLeadership } from './noted-leadership.ts';
import { ObservationBook } from './observation-book.ts';
import { Peers } from './peers.ts';
import { Replica } from './replica.ts';
import { admittedBootOf } from './rival-boots.ts';
import { EventLog } from './service/event-log.ts';
import { FenceService } from './service/fence-service.ts';
import { AlertsOf } from './service/alerts-of.ts';
import { GuardsOf } from './service/guard-service.ts';
import { JoinService } from './service/join-service.ts';
import { JoinTokens } from './service/join-tokens.ts';
import { ManagerService } from './service/manager-service.ts';
import { NodeService } from './service/node-service.ts';
import { RegistryService } from './service/registry-service.ts';
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
  /** Its number in the registry: 1 for the first manager, else the one it was given on joining. */
  readonly number: number;
  /** Where people and tools, and agents and other managers reach it, `host:port`. */
  readonly advertised: { readonly api: string; readonly sessions: string };
  /** SHA-256 of its certificate, lower-case hex. */
  readonly fingerprint: string;
  /** Seal the credentials of fence devices in the store. */
  readonly keys: ClusterKeys;
  readonly membership: Membership;
  /** What a joining manager needs to reach the store; a problem where no second one can. */
  readonly storeAccess: () => Promise<Outcome<StoreAccess>>;
  /** This manager was removed from the cluster: it does not lead again, and should stop. */
  readonly onRemoved?: () => void;
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
  readonly service: ManagerService;
  readonly #options: ManagerOptions;
  readonly #book: ObservationBook;
  readonly #stalls: StallMeter;
  readonly #hub: SessionHub;
  readonly #queues: DeviceQueues;
  readonly #events: EventLog;
  readonly #nodes: NodeService;
  readonly #fencing: FenceService;
  readonly #metrics = managerMetrics();
  readonly #secrets: FenceSecrets;
  readonly #alertSecrets: AlertSecrets;
  readonly #peers: Peers;
  readonly #replica: Replica;
  readonly #stopping = new AbortController();
  /** Removed from the cluster: no more campaigns. */
  readonly #dropped = new AbortController();
  /** Either of the two. Not `AbortSignal.any`: Node keeps such a one alive as long as it is heard. */
  readonly #retired = new AbortController();
  #leader: Leader | null = null;
  #alerts: AlertSenders | null = null;
  #listener: Listener | null = null;
  #campaigns: Promise<void> = Promise.resolve();

  constructor(options: ManagerOptions) {
    const { env, store, name, clusterId, clusterName } = options;
    this.#options = options;
    this.#book = new ObservationBook(env.clock, {
      overdueMs: () => overdueAfterMs(this.#timing()),
      managersHeard: () => this.#peers.heard(),
    });
    this.#stalls = new StallMeter(env, this.#book);
    this.#queues = new DeviceQueues(env);
    this.#hub = new SessionHub(
      env,
      {
        clusterId,
        manager: name,
        timing: () => this.#timing(),
        admittedBoot: (node) => admittedBootOf(this.#known?.nodes.get(node)),
        onPeer: (channel) => this.#peers.accept(channel),
      },
      this.#book,
    );
    const box = new SecretBox(options.keys, () => env.random.uuid());
    this.#secrets = new FenceSecrets(store, box);
    this.#alertSecrets = new AlertSecrets(store, box);
    this.#peers = new Peers({
      env,
      self: managerId(name),
      standing: () => this.#standing(),
      heardOf: () => this.#book.heardOf(),
    });
    this.#replica = new Replica({
      env,
      store,
      settings: defaultSettings(options.profile),
      onChange: (batch) => this.#onReplica(batch),
    });
    this.#events = new EventLog(store, env.log, () =>
      this.#known === null ? null : this.#known.nextEvent - 1,
    );
    this.#nodes = new NodeService({
      ...options,
      queues: this.#queues,
      hub: this.#hub,
      secrets: this.#secrets,
    });
    this.#fencing = new FenceService({ ...options, queues: this.#queues, secrets: this.#secrets });
    const tokens = new JoinTokens(options);
    this.service = new ManagerService({
      name,
      clusterId,
      clusterName,
      store,
      book: this.#book,
      metrics: this.#metrics,
      events: this.#events,
      nodes: this.#nodes,
      fencing: this.#fencing,
      guards: new GuardsOf({ store, clusterId }),
      alerts: new AlertsOf({
        env,
        clusterId,
        secrets: this.#alertSecrets,
        senders: () => this.#alerts,
      }),
      env,
      hub: this.#hub,
      vms: new VmService({ env, hub: this.#hub, readXml: options.readXml }),
      joins: new JoinService({ ...options, hub: this.#hub, tokens }),
      registry: new RegistryService({ ...options, tokens, peers: this.#peers }),
      replica: this.#replica,
      peers: this.#peers,
      leader: () => this.#leader,
    });
  }

  get sessionAddress(): NetworkAddress {
    return this.#listener?.address ?? this.#options.sessions;
  }

  isLeading(): boolean {
    return this.#leader?.isLeading() ?? false;
  }

  /** What is committed, as far as it is known here. */
  get #known(): Mirror | null {
    return this.#leader?.mirror ?? this.#replica.mirror;
  }

  #timing(): TimingSettings {
    return (this.#known?.settings ?? defaultSettings(this.#options.profile)).timing;
  }

  #standing(): { readonly revision: number; readonly leading: number | null } {
    const leading = this.#leader?.isLeading() === true ? this.#leader.epoch : null;
    return { revision: this.#known?.revisionOf(keys.barrier) ?? 0, leading };
  }

  #onReplica(batch: WatchBatch | null): void {
    const mirror = this.#replica.mirror;
    if (mirror === null) return;
    const touches = (prefix: string): boolean =>
      batch === null || batch.changes.some((change) => change.key.startsWith(prefix));
    if (touches(keys.events)) this.#events.deliver();
    if (!touches('roster')) return;
    this.#peers.follow(mirror.managers.values());
    if (wasRemoved(mirror, this.#own())) this.#removed();
  }

  #removed(): void {
    if (this.#stopping.signal.aborted || this.#dropped.signal.aborted) return;
    const { env, name, onRemoved } = this.#options;
    env.log.error({ manager: name }, 'this manager was removed from the cluster; it leads no more');
    this.#dropped.abort();
    this.#retired.abort();
    onRemoved?.();
  }

  #own(): OwnEntry {
    const { env, name, number, advertised, fingerprint } = this.#options;
    const joinedAt = env.clock.wallIso();
    return {
      id: managerId(name),
      number,
      ...advertised,
      certificateFingerprint: fingerprint,
      joinedAt,
    };
  }

  async start(): Promise<void> {
    const { env, sessions } = this.#options;
    this.#listener = await env.network.listen(sessions, (channel) => this.#hub.accept(channel));
    this.#book.beginObserving();
    this.#stalls.start();
    this.#replica.start();
    this.#campaigns = this.#campaignForEver();
    // The record may go after the vote, when nothing of the store comes here any more.
    void this.#options.membership.left().then(() => this.#removed());
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#retired.abort();
    this.#nodes.stop();
    this.#fencing.stop();
    this.#hub.closeAll('this manager stops');
    this.#peers.stop();
    await this.#listener?.close();
    await this.#campaigns;
    this.#replica.stop();
    this.#stalls.stop();
  }

  async #campaignForEver(): Promise<void> {
    const { env, store, name } = this.#options;
    const { signal } = this.#retired;
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
  async #lead(won: Leadership): Promise<void> {
    const { env, store, profile, name, membership } = this.#options;
    const leadership = new NotedLeadership(won, env.clock);
    try {
      const mirror = new Mirror(leadership.epoch, env.clock, defaultSettings(profile));
      await mirror.load(store);
      if (wasRemoved(mirror, this.#own())) {
        this.#removed();
        return;
      }
      if (unusableStore(mirror) !== null) {
        env.log.error({}, `nobody leads on this store: ${unusableStore(mirror)}`);
        await leadership.resign();
        await this.#pause(unusableRetryMs);
        return;
      }
      const leader = this.#makeLeader(leadership, mirror);
      env.log.info({ manager: name, epoch: leadership.epoch }, 'leading');
      await this.#writeFirst(leader);
      this.#replica.stop();
      this.#leader = leader;
      this.#hub.lead(leader);
      this.#onRoster(leader);
      this.#peers.announce();
      const keeper = new MembershipKeeper(env, leader, membership);
      const { alerts, alarms } = this.#makeAlerts(leader);
      leader.start();
      keeper.start();
      alerts.notify();
      alarms.start();
      // What the last leadership wrote without an answer may hold events that nobody was told of.
      this.#events.deliver();
      void this.#reseal(leader);
      await over(leadership, [this.#stopping.signal, this.#dropped.signal]);
      keeper.stop();
      alarms.stop();
      alerts.stop();
      this.#alerts = null;
      this.#hub.lead(null);
      this.#leader = null;
      if (!this.#stopping.signal.aborted) {
        this.#replica.start({ mirror, asOfMs: leadership.confirmedMs });
      }
      await leader.stop();
    } finally {
      await leadership.resign();
    }
    env.log.info({ manager: name, epoch: leadership.epoch }, 'not leading any more');
  }

  #onRoster(leader: Leader): void {
    this.#peers.follow(leader.mirror.managers.values());
    this.#hub.announceManagers();
    if (wasRemoved(leader.mirror, this.#own())) this.#removed();
  }

  /** A new cluster's settings, and this manager's own record where it is not as it should be. */
  async #writeFirst(leader: Leader): Promise<void> {
    const { env } = this.#options;
    const { mirror } = leader;
    const own = this.#own();
    const hasSettings = mirror.revisionOf('settings') !== 0;
    // A take-over of a cluster that is as it should be costs no write.
    if (hasSettings && isRecorded(mirror.managers.get(own.id), own)) return;
    const written = await leader.mutate((draft) => {
      if (!hasSettings) draft.put(mirror.settings);
      recordSelf(draft, own);
      return ok(null);
    });
    if (written.kind === 'problem') {
      env.log.warn({ because: written.problem.because }, 'the first records could not be written');
    }
  }

  /** Secrets under a key that is on its way out are sealed under the present one. */
  async #reseal(leader: Leader): Promise<void> {
    try {
      const puts = await this.#secrets.resealed();
      if (puts.length > 0) await leader.mutate(() => ok(null), { extra: () => ({ puts }) });
    } catch (error) {
      this.#options.env.log.error({ err: error }, 'secrets could not be sealed anew');
    }
  }

  /** What tells people, for one leadership. */
  #makeAlerts(leader: Leader): { readonly alerts: AlertSenders; readonly alarms: AlarmWatch } {
    const { env, store, clusterId } = this.#options;
    const events = this.#events;
    const secrets = this.#alertSecrets;
    const alerts = new AlertSenders({ env, leader, events, secrets, clusterId });
    this.#alerts = alerts;
    const findings = () => this.service.leadingFindings(leader);
    return { alerts, alarms: new AlarmWatch({ env, store, leader, findings }) };
  }

  #makeLeader(leadership: NotedLeadership, mirror: Mirror): Leader {
    const { env, store, drivers, clusterId } = this.#options;
    const leader: Leader = new Leader({
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
      secrets: this.#secrets,
      clusterId,
      onRoster: () => {
        if (this.#leader === leader) this.#onRoster(leader);
      },
      onEvents: () => {
        this.#events.deliver();
        if (this.#leader === leader) this.#alerts?.notify();
      },
    });
    return leader;
  }
}

/** How soon a store that was not filled to the end is looked at again, in ms. */
const unusableRetryMs = 5000;

/** Why nothing may be decided on what the store holds; null = it may. */
function unusableStore(mirror: Mirror): string | null {
  if (mirror.revisionOf(fillingKey) !== 0) {
    return 'a restore or a migration into it was interrupted, repeat that first';
  }
  return mirror.revisionOf(movedKey) === 0
    ? null
    : 'its content was moved to another store, which manager.yaml is to name';
}

/** How soon a failed campaign is tried again, in ms. */
const campaignRetryMs = 1000;

/** Resolves when the leadership is lost or this manager is to end it. */
function over(leadership: Leadership, ending: readonly AbortSignal[]): Promise<void> {
  const signals = [leadership.lost, ...ending];
  return new Promise((resolve) => {
    const end = (): void => {
      for (const signal of signals) signal.removeEventListener('abort', end);
      resolve();
    };
    for (const signal of signals) signal.addEventListener('abort', end);
    if (signals.some((signal) => signal.aborted)) end();
  });
}
