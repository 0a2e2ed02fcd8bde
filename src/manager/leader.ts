import { openDraft, type Draft } from '../core/decide/draft.ts';
import { decide } from '../core/decide/decide.ts';
import type { IncarnationId, NodeId } from '../core/model/ids.ts';
import { watchedGuests } from '../core/order/guest-watches.ts';
import type { Asked, Change, Plan } from '../core/plan.ts';
import { problem, type Outcome } from '../core/problem.ts';
import { isSuspect } from '../core/timing/silence.ts';
import type { Env, Timer } from '../env/env.ts';
import type { Store } from '../store/store.ts';
import type { DeviceQueues } from '../../fencing/device-queue.ts';
import type { FenceDrivers } from '../../fencing/registry.ts';
import type { ManagerList } from '../api/schema/session.ts';
import type { Hello } from './agent-session.ts';
import { FenceCare } from './fence-care.ts';
import { FenceRunner } from './fence-runner.ts';
import type { FenceSecrets } from './fence-secrets.ts';
import { LeaderWriter, type CommitOutcome, type ExtraWrites } from './leader-writer.ts';
import { LeaseGranter, type WaitingHeartbeat } from './lease-granter.ts';
import { failoverTimes, type ManagerMetrics } from './metrics.ts';
import type { Mirror } from './mirror.ts';
import type { NotedLeadership } from './noted-leadership.ts';
import type { ObservationBook } from './observation-book.ts';
import { PlacementWatch } from './placement-watch.ts';
import {
  neverAtRest,
  stoppedLeading,
  storeReadOnly,
  storeRefused,
  unknownOutcome,
} from './problems.ts';
import type { LeadingListener, SessionHub } from './session-hub.ts';
import type { StallMeter } from './stall-meter.ts';

/** How soon a store that took no write is tried again, in ms. */
const retryWriteMs = 1000;
/** Decisions made in a row without a pause before a defect is assumed. */
const maxRounds = 200;
/** How often a mutation is made anew on what was read back. */
const mutationRounds = 3;

interface LeaderOptions {
  readonly env: Env;
  readonly store: Store;
  readonly leadership: NotedLeadership;
  readonly mirror: Mirror;
  readonly book: ObservationBook;
  readonly stalls: StallMeter;
  readonly hub: SessionHub;
  readonly drivers: FenceDrivers;
  readonly queues: DeviceQueues;
  readonly metrics: ManagerMetrics;
  readonly secrets: FenceSecrets;
  readonly clusterId: string;
  /** Managers came or went. */
  onRoster(): void;
  /** New events were committed. */
  onEvents(): void;
}

/** A change that somebody asked for: fills the draft, or says why not. */
export type Mutation<T> = (draft: Draft) => Outcome<T>;

interface MutateOptions<T> {
  /** What is written beside the objects, given what the mutation came to. */
  readonly extra?: (value: T) => ExtraWrites;
  readonly dryRun?: boolean;
  readonly asked?: Asked;
}

/** Why the store did not take the last write, and whether it takes none at all. */
type NotTaken = Extract<CommitOutcome, { kind: 'notTaken' }>;

/**
 * One leadership: observe, decide, commit, execute. Makes no choices of its own. Commits one
 * transaction at a time; what is asked for meanwhile waits in order.
 */
export class Leader implements LeadingListener {
  readonly mirror: Mirror;
  readonly fences: FenceRunner;
  readonly care: FenceCare;
  readonly #options: LeaderOptions;
  readonly #writer: LeaderWriter;
  readonly #leases: LeaseGranter;
  readonly #placement = new PlacementWatch();
  readonly #requests: (() => Promise<void>)[] = [];
  #wakeTimer: Timer | null = null;
  #dirty = true;
  #working = false;
  #ended = false;
  #notTaken: NotTaken | null = null;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.mirror = options.mirror;
    this.#writer = new LeaderWriter(options);
    this.#leases = new LeaseGranter({ ...options, onNewLease: () => this.observed() });
    this.fences = new FenceRunner({
      ...options,
      secretsOf: (node, device) => options.secrets.read(node, device),
      confirm: () => this.confirm(),
      onObserved: () => this.observed(),
    });
    this.care = new FenceCare({ ...options, leader: this });
  }

  get epoch(): number {
    return this.#options.leadership.epoch;
  }

  /** Why the last write was not taken; null = it was, or nothing waits to be written. */
  get notTaken(): NotTaken | null {
    return this.#notTaken;
  }

  start(): void {
    this.observed();
    this.care.start();
  }

  /** Leadership is over: nothing is decided, sent or fenced from here on. */
  async stop(): Promise<void> {
    this.#ended = true;
    this.#wakeTimer?.cancel();
    this.care.stop();
    await this.fences.stopAll();
  }

  /** True when a quorum confirmed this leadership in a round that began after the call. */
  async confirm(): Promise<boolean> {
    return !this.#ended && (await this.#options.leadership.confirm());
  }

  /** Time since a confirmed round began, at least 1 ms: how old this leader's word may be. */
  unconfirmedMs(): number {
    const { env, leadership } = this.#options;
    return Math.max(1, Math.round(env.clock.monotonicMs() - leadership.confirmedMs));
  }

  /** Asked in the same turn as every effect. */
  isLeading(): boolean {
    return !this.#ended && this.#options.leadership.isValid();
  }

  /** Something changed that a decision may depend on: decide soon, once for all that changed. */
  observed(): void {
    this.#dirty = true;
    this.#work();
  }

  heartbeat(heartbeat: WaitingHeartbeat): void {
    this.#leases.heartbeat(heartbeat);
  }

  /** Most heartbeats change nothing; a decision for each of them would be most of the work. */
  heartbeatMatters(id: NodeId): boolean {
    const node = this.mirror.nodes.get(id);
    if (node === undefined || node.phase !== 'online') return true;
    const seen = this.#options.book.node(id);
    return (
      seen.incarnation?.id !== node.incarnation?.id ||
      isSuspect(seen, this.#options.book.instant(), this.mirror.settings.timing)
    );
  }

  addressOf(node: NodeId): string | null {
    return this.mirror.nodes.get(node)?.address ?? null;
  }

  managerList(): ManagerList | null {
    const { roster, managers } = this.mirror;
    if (managers.size === 0) return null;
    return {
      kind: 'managers',
      clusterId: this.#options.clusterId,
      epoch: this.epoch,
      version: roster.version,
      managers: [...managers.values()]
        .filter((manager) => !manager.isWitness)
        .map((manager) => ({ name: manager.id, address: manager.sessions })),
    };
  }

  /** Null when the records let this machine speak for the node; otherwise why not (FAILURES N22, X3). */
  admitSession(hello: Hello, fingerprint: string): string | null {
    const node = this.mirror.nodes.get(hello.node as NodeId);
    if (node === undefined) return `${hello.node} is not a node of this cluster`;
    if (node.machineId !== hello.machineId) {
      return `${hello.node} is machine ${node.machineId}, this is ${hello.machineId}`;
    }
    if (node.certificateFingerprint !== fingerprint) return 'this certificate was replaced';
    const owner = this.#otherOwnerOf(hello.incarnation.id as IncarnationId, node.id);
    return owner === null ? null : `this incarnation is one of ${owner}`;
  }

  /** A proof against an incarnation frees all its VMs, so no two nodes may share one. */
  #otherOwnerOf(incarnation: IncarnationId, node: NodeId): NodeId | null {
    const { nodes, fences, vms } = this.mirror;
    const owners = [
      ...[...nodes.values()].filter((one) => one.incarnation?.id === incarnation),
      ...[...fences.values()].filter((one) => one.incarnation.id === incarnation),
    ].map((one) => (one.kind === 'node' ? one.id : one.node));
    for (const { permit } of vms.values()) {
      if (permit?.incarnation === incarnation) owners.push(permit.node);
    }
    return owners.find((owner) => owner !== node) ?? null;
  }

  /**
   * Runs a mutation on the committed state and commits what it changed. Always answers: with a
   * problem once this manager does not lead any more.
   */
  mutate<T>(mutation: Mutation<T>, options: MutateOptions<T> = {}): Promise<Outcome<T>> {
    return new Promise((resolve) => {
      this.#requests.push(async () => resolve(await this.#mutateNow(mutation, options)));
      this.#work();
    });
  }

  async #mutateNow<T>(mutation: Mutation<T>, options: MutateOptions<T>): Promise<Outcome<T>> {
    for (let round = 0; round < mutationRounds; round += 1) {
      if (!this.isLeading()) return problem(stoppedLeading());
      const draft = openDraft(this.mirror, this.#options.book.observe(this.mirror));
      const outcome = mutation(draft);
      if (outcome.kind === 'problem' || options.dryRun === true) return outcome;
      const plan = draft.finish({ commands: [], fences: [] });
      const { asked } = options;
      const extra = options.extra?.(outcome.value);
      const committed = await this.#commit(plan, asked === undefined ? extra : { ...extra, asked });
      switch (committed.kind) {
        case 'committed':
          this.observed();
          return outcome;
        case 'notTaken': {
          const { readOnly, because } = committed;
          return problem(readOnly ? storeReadOnly(because) : storeRefused(because));
        }
        case 'lost':
          return problem(committed.written === 'no' ? stoppedLeading() : unknownOutcome());
        case 'again':
          break;
        default:
          committed satisfies never;
      }
    }
    return problem(neverAtRest());
  }

  /** Starts the loop unless it runs. It ends when there is nothing to do. */
  #work(): void {
    if (this.#working) return;
    this.#working = true;
    void this.#run().finally(() => {
      this.#working = false;
      if (this.#requests.length > 0 || (this.#mustDecide() && this.#notTaken === null)) {
        this.#work();
      }
    });
  }

  #mustDecide(): boolean {
    return this.#dirty && this.isLeading();
  }

  /** Requests and decisions in turn, so that neither keeps the other waiting. */
  async #run(): Promise<void> {
    for (let rounds = 0; rounds < maxRounds; rounds += 1) {
      const request = this.#requests.shift();
      await request?.();
      if (this.#mustDecide()) {
        this.#dirty = false;
        await this.#decideOnce();
      } else if (this.#requests.length === 0) {
        return;
      }
    }
    if (!this.#dirty) return;
    this.#options.env.log.error({ rounds: maxRounds }, 'decisions do not come to rest');
    this.#dirty = false;
    this.#wakeAt(this.#options.env.clock.monotonicMs() + retryWriteMs);
  }

  async #decideOnce(): Promise<void> {
    const { book, leadership, hub, metrics, stalls } = this.#options;
    stalls.check();
    book.placement = this.#placement.look(this.mirror, book.observe(this.mirror));
    const plan = decide(this.mirror, book.observe(this.mirror));
    metrics.decisions.inc();
    // In one synchronous turn with the check: what is sent is covered by committed records.
    if (!leadership.isValid()) return;
    hub.send(leadership.epoch, plan.commands);
    hub.letGo(leadership.epoch, plan.departures);
    hub.tellGuests(leadership.epoch, watchedGuests(this.mirror));
    hub.tellHold(leadership.epoch, this.mirror.membership);
    this.fences.reconcile(plan.fences);
    this.#wakeAt(plan.wakeAtMs);
    if (plan.changes.length === 0 && plan.events.length === 0) {
      this.#notTaken = null;
      return;
    }
    const outcome = await this.#commit(plan);
    if (outcome.kind === 'notTaken') {
      this.#wakeAt(this.#options.env.clock.monotonicMs() + retryWriteMs);
    } else {
      this.#dirty = true;
    }
  }

  /** Writes a plan. From here on no lease is granted that its fence intents end. */
  async #commit(plan: Plan, extra?: ExtraWrites): Promise<CommitOutcome> {
    const { env, metrics } = this.#options;
    this.#leases.withhold(
      plan.changes.flatMap((change) =>
        change.kind === 'put' && change.object.kind === 'fence' && change.object.phase === 'intent'
          ? [change.object.incarnation.id]
          : [],
      ),
    );
    const recovered = failoverTimes(plan.changes, this.mirror.failovers);
    const startedMs = env.clock.monotonicMs();
    const outcome = await this.#writer.commit(plan.changes, plan.events, extra);
    this.#leases.stopWithholding();
    metrics.commitSeconds.observe((env.clock.monotonicMs() - startedMs) / 1000);
    this.#noteNotTaken(outcome.kind === 'notTaken' ? outcome : null);
    if (outcome.kind !== 'committed') return outcome;
    for (const seconds of recovered) metrics.failoverSeconds.observe(seconds);
    for (const { code, node, vm, text } of plan.events) env.log.info({ code, node, vm }, text);
    if (plan.events.length > 0) this.#options.onEvents();
    if (plan.changes.some(isOfRoster)) this.#options.onRoster();
    return outcome;
  }

  #noteNotTaken(notTaken: NotTaken | null): void {
    if (notTaken !== null && notTaken.because !== this.#notTaken?.because) {
      this.#options.env.log.error({ because: notTaken.because }, 'the store took no write');
    }
    this.#notTaken = notTaken;
  }

  #wakeAt(atMs: number | null): void {
    this.#wakeTimer?.cancel();
    this.#wakeTimer = null;
    if (atMs === null || this.#ended) return;
    const delayMs = Math.max(0, atMs - this.#options.env.clock.monotonicMs());
    this.#wakeTimer = this.#options.env.timers.after(delayMs, () => this.observed());
  }
}

function isOfRoster(change: Change): boolean {
  return change.kind === 'put' && change.object.kind === 'roster';
}
