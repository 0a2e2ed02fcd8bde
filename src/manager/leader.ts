import { openDraft, type Draft } from '../core/decide/draft.ts';
import { decide } from '../core/decide/decide.ts';
import type { NodeId } from '../core/model/ids.ts';
import type { Plan } from '../core/plan.ts';
import { problem, type Outcome } from '../core/problem.ts';
import { isSuspect } from '../core/timing/silence.ts';
import type { Env, Timer } from '../env/env.ts';
import type { Leadership, Store } from '../store/store.ts';
import type { DeviceQueues } from '../../fencing/device-queue.ts';
import type { FenceDrivers } from '../../fencing/registry.ts';
import type { Hello } from './agent-session.ts';
import { FenceRunner } from './fence-runner.ts';
import { secretKey } from './keys.ts';
import { LeaderWriter, type CommitOutcome, type ExtraWrites } from './leader-writer.ts';
import { LeaseGranter, type WaitingHeartbeat } from './lease-granter.ts';
import type { ManagerMetrics } from './metrics.ts';
import type { Mirror } from './mirror.ts';
import type { ObservationBook } from './observation-book.ts';
import type { LeadingListener, SessionHub } from './session-hub.ts';
import { StallMeter } from './stall-meter.ts';

/** How soon a store that took no write is tried again, in ms. */
const retryWriteMs = 1000;
/** Decisions made in a row without a pause before a defect is assumed. */
const maxRounds = 200;

export interface LeaderOptions {
  readonly env: Env;
  readonly store: Store;
  readonly leadership: Leadership;
  readonly mirror: Mirror;
  readonly book: ObservationBook;
  readonly hub: SessionHub;
  readonly drivers: FenceDrivers;
  readonly queues: DeviceQueues;
  readonly metrics: ManagerMetrics;
  /** New events were committed. */
  onEvents(): void;
}

/** A change that somebody asked for: fills the draft, or says why not. */
export type Mutation<T> = (draft: Draft) => Outcome<T>;

interface Request {
  run(): Promise<void>;
}

/**
 * One leadership: observe, decide, commit, execute. Makes no choices of its own. Commits one
 * transaction at a time; what is asked for meanwhile waits in order.
 */
export class Leader implements LeadingListener {
  readonly mirror: Mirror;
  readonly fences: FenceRunner;
  readonly #options: LeaderOptions;
  readonly #writer: LeaderWriter;
  readonly #leases: LeaseGranter;
  readonly #stalls: StallMeter;
  readonly #requests: Request[] = [];
  #wakeTimer: Timer | null = null;
  #dirty = true;
  #working = false;
  #ended = false;
  #readOnly: string | null = null;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.mirror = options.mirror;
    this.#writer = new LeaderWriter(options);
    this.#leases = new LeaseGranter({ ...options, onFirstLease: () => this.observed() });
    this.#stalls = new StallMeter(options.env, options.book);
    this.fences = new FenceRunner({
      ...options,
      secretsOf: (node, device) => this.#secretsOf(node, device),
      onObserved: () => this.observed(),
    });
  }

  get epoch(): number {
    return this.#options.leadership.epoch;
  }

  /** Why the store takes no writes; null = it does. */
  get readOnly(): string | null {
    return this.#readOnly;
  }

  start(): void {
    this.#stalls.start();
    this.observed();
  }

  /** Leadership is over: nothing is decided, sent or fenced from here on. */
  async stop(): Promise<void> {
    this.#ended = true;
    this.#wakeTimer?.cancel();
    this.#stalls.stop();
    await this.fences.stopAll();
  }

  /** True when a quorum confirmed this leadership in a round that began after the call. */
  async confirm(): Promise<boolean> {
    return !this.#ended && (await this.#options.leadership.confirm());
  }

  isLeading(): boolean {
    return !this.#ended && this.#options.leadership.isValid();
  }

  observed(): void {
    this.#dirty = true;
    this.#work();
  }

  heartbeat(heartbeat: WaitingHeartbeat): void {
    this.#leases.heartbeat(heartbeat);
  }

  heartbeatMatters(id: NodeId): boolean {
    const node = this.mirror.nodes.get(id);
    if (node === undefined || node.phase !== 'online') return true;
    const seen = this.#options.book.node(id);
    const observations = this.#options.book.observe(this.mirror);
    return (
      seen.incarnation?.id !== node.incarnation?.id ||
      isSuspect(seen, observations, this.mirror.settings.timing)
    );
  }

  admitSession(hello: Hello, fingerprint: string): string | null {
    const node = this.mirror.nodes.get(hello.node as NodeId);
    if (node === undefined) return `${hello.node} is not a node of this cluster`;
    if (node.machineId !== hello.machineId) {
      return `${hello.node} is machine ${node.machineId}, this is ${hello.machineId}`;
    }
    if (node.certificateFingerprint !== fingerprint) return 'this certificate was replaced';
    return null;
  }

  /** Runs a mutation on the committed state and commits what it changed. */
  mutate<T>(
    mutation: Mutation<T>,
    options: { readonly extra?: ExtraWrites; readonly dryRun?: boolean } = {},
  ): Promise<Outcome<T>> {
    return new Promise((resolve) => {
      this.#requests.push({
        run: async () => {
          resolve(await this.#mutateNow(mutation, options));
        },
      });
      this.#work();
    });
  }

  async #mutateNow<T>(
    mutation: Mutation<T>,
    options: { readonly extra?: ExtraWrites; readonly dryRun?: boolean },
  ): Promise<Outcome<T>> {
    for (let round = 0; round < 3; round += 1) {
      if (!this.isLeading()) break;
      const draft = openDraft(this.mirror, this.#options.book.observe(this.mirror));
      const outcome = mutation(draft);
      if (outcome.kind === 'problem' || options.dryRun === true) return outcome;
      const plan = draft.finish({ commands: [], fences: [] });
      const committed = await this.#commit(plan, options.extra);
      if (committed.kind === 'committed') {
        this.observed();
        return outcome;
      }
      if (committed.kind === 'readOnly') return problem(readOnlyProblem(committed.because));
      if (committed.kind === 'lost') break;
    }
    return problem({
      code: 'E_NOT_LEADER',
      what: 'the change was not made',
      because: 'this manager stopped leading',
      so: 'nothing is known to have changed',
      try: ['kennel status', 'run the command again'],
    });
  }

  #work(): void {
    if (this.#working || this.#ended) return;
    this.#working = true;
    void this.#run().finally(() => {
      this.#working = false;
      if (!this.#ended && (this.#dirty || this.#requests.length > 0) && this.#readOnly === null) {
        this.#work();
      }
    });
  }

  async #run(): Promise<void> {
    for (let round = 0; round < maxRounds; round += 1) {
      if (!this.isLeading()) return;
      const request = this.#requests.shift();
      if (request !== undefined) {
        await request.run();
        continue;
      }
      if (!this.#dirty) return;
      this.#dirty = false;
      await this.#decideOnce();
    }
    this.#options.env.log.error({ rounds: maxRounds }, 'decisions do not come to rest');
    this.#dirty = false;
    this.#wakeAt(this.#options.env.clock.monotonicMs() + retryWriteMs);
  }

  async #decideOnce(): Promise<void> {
    const { book, leadership, hub, metrics } = this.#options;
    this.#stalls.check();
    const plan = decide(this.mirror, book.observe(this.mirror));
    metrics.decisions.inc();
    // In one synchronous turn with the check: what is sent is covered by committed records.
    if (!leadership.isValid()) return;
    hub.send(leadership.epoch, plan.commands);
    this.fences.reconcile(plan.fences);
    this.#wakeAt(plan.wakeAtMs);
    if (plan.changes.length === 0 && plan.events.length === 0) return;
    const outcome = await this.#commit(plan);
    this.#readOnly = outcome.kind === 'readOnly' ? outcome.because : null;
    if (outcome.kind === 'readOnly') {
      this.#wakeAt(this.#options.env.clock.monotonicMs() + retryWriteMs);
      return;
    }
    this.#dirty = true;
  }

  async #commit(plan: Plan, extra?: ExtraWrites): Promise<CommitOutcome> {
    this.#leases.withhold(
      plan.changes.flatMap((change) =>
        change.kind === 'put' && change.object.kind === 'fence' && change.object.phase === 'intent'
          ? [change.object.incarnation.id]
          : [],
      ),
    );
    const startedMs = this.#options.env.clock.monotonicMs();
    const outcome = await this.#writer.commit(plan.changes, plan.events, extra);
    this.#leases.stopWithholding();
    this.#options.metrics.commitSeconds.observe(
      (this.#options.env.clock.monotonicMs() - startedMs) / 1000,
    );
    if (outcome.kind === 'committed' && plan.events.length > 0) {
      for (const event of plan.events) {
        this.#options.env.log.info(
          { code: event.code, node: event.node, vm: event.vm },
          event.text,
        );
      }
      this.#options.onEvents();
    }
    return outcome;
  }

  #wakeAt(atMs: number | null): void {
    this.#wakeTimer?.cancel();
    this.#wakeTimer = null;
    if (atMs === null) return;
    const delayMs = Math.max(0, atMs - this.#options.env.clock.monotonicMs());
    this.#wakeTimer = this.#options.env.timers.after(delayMs, () => this.observed());
  }

  async #secretsOf(node: NodeId, device: string): Promise<Readonly<Record<string, string>>> {
    const { item } = await this.#options.store.get(secretKey(node, device));
    return item === null ? {} : (JSON.parse(item.value) as Record<string, string>);
  }
}

function readOnlyProblem(because: string) {
  return {
    code: 'E_STORE_READ_ONLY' as const,
    what: 'the change was not made',
    because,
    so: 'running VMs and failover go on; nothing else can be changed',
    try: ['free space on the disk of the data directory', 'kennel status'],
  };
}
