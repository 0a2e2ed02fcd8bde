import type { MeasuredUse } from '../core/placement/site-types.ts';
import type { HeardNode } from '../api/schema/peer.ts';
import type { AgentReport, Sightings } from '../api/schema/session.ts';
import type {
  CommandObservation,
  CommandOutcome,
  DomainObservation,
  FenceObservation,
  ManagersHeard,
  NodeObservation,
  Observations,
  PeerReport,
  PlacementObservation,
  ReportObservation,
  Stall,
} from '../core/observations.ts';
import { rivalWithinMs } from '../core/explain/rivals.ts';
import { withConfirmation, type Stretch } from '../core/hold/majority.ts';
import { bootId, nodeId } from '../core/model/ids.ts';
import type {
  BootId,
  FenceId,
  IncarnationId,
  NodeId,
  OperationId,
  VmId,
} from '../core/model/ids.ts';
import type { Incarnation } from '../core/model/node.ts';
import type { AddressedCommand } from '../core/plan.ts';
import { lateAfterMs } from '../core/timing/silence.ts';
import type { Clock } from '../env/env.ts';
import type { Mirror } from './mirror.ts';

/** Heartbeats are noted in place: they are most of what happens, and nobody keeps an older one. */
type SeenNode = { -readonly [Field in keyof NodeObservation]: NodeObservation[Field] };

const unseen: NodeObservation = {
  incarnation: null,
  sessionOpen: false,
  lastHeartbeatMs: null,
  lastHeartbeatWall: null,
  aliveAtMs: null,
  lastLeaseMs: null,
  report: null,
  gapsMs: [],
  rival: null,
};

/** Stalls remembered; older ones lie before every deadline that still counts. */
const keptStalls = 16;
/** Gaps in the heartbeats of one node that are remembered. */
const keptGaps = 64;
/** Heartbeats that are older are of no use to any guard, ms. */
const toldWithinMs = 60_000;
/** Finished commands remembered, so that their outcome outlives the decision that needs it. */
const keptCommands = 4096;

interface BookOptions {
  /** Silence of a node that makes a gap in its heartbeats, in ms. */
  overdueMs(): number;
  managersHeard(): ManagersHeard;
}

const byItself: BookOptions = {
  overdueMs: () => Infinity,
  managersHeard: () => ({ others: 0, heard: 0, sights: new Map() }),
};

interface SentCommand extends CommandObservation {
  readonly node: NodeId;
}

/**
 * Everything this manager itself saw. It exists from the manager's start, so that a follower that
 * becomes leader may count the silence it observed itself.
 */
export class ObservationBook {
  readonly #clock: Clock;
  readonly #nodes = new Map<NodeId, SeenNode>();
  /** Kept through restarts of agents and through leaderships: what was granted stays granted. */
  readonly #leaseGrantedMs = new Map<NodeId, number>();
  /** Kept through leaderships too: what was confirmed was so. */
  readonly #confirmed = new Map<NodeId, readonly Stretch[]>();
  readonly #commands = new Map<OperationId, SentCommand>();
  readonly #fences = new Map<FenceId, FenceObservation>();
  readonly #stalls: Stall[] = [];
  readonly #peers = new Map<NodeId, PeerReport>();
  readonly #options: BookOptions;
  #observingSinceMs: number;
  /** Looks of this leadership; whoever does not lead looks at nothing. */
  placement: PlacementObservation = { isDue: false, isUneven: false };

  constructor(clock: Clock, options: BookOptions = byItself) {
    this.#clock = clock;
    this.#options = options;
    this.#observingSinceMs = clock.monotonicMs();
  }

  /** What was seen, together with what the leader's mirror knows of phases. Live, not a copy. */
  observe(mirror: Mirror): Observations {
    return {
      nowMs: this.#clock.monotonicMs(),
      nowWall: this.#clock.wallIso(),
      observingSinceMs: this.#observingSinceMs,
      leadingSinceMs: mirror.sinceMs,
      leaseGrantedMs: this.#leaseGrantedMs,
      stalls: this.#stalls,
      nodes: this.#nodes,
      fences: this.#fences,
      commands: this.#commands,
      vmPhaseSinceMs: mirror.vmPhaseSinceMs,
      vmWaitSinceMs: mirror.vmWaitSinceMs,
      vmMoveSinceMs: mirror.vmMoveSinceMs,
      fencePhaseSince: mirror.fencePhaseSince,
      incarnationSince: mirror.incarnationSince,
      flapsSince: mirror.flapsSince,
      peers: this.#peers,
      managers: this.#options.managersHeard(),
      placement: this.placement,
      confirmed: this.#confirmed,
    };
  }

  /** Now, and since when this manager has listened: what silence is measured with. */
  instant(): Pick<Observations, 'nowMs' | 'observingSinceMs'> {
    return { nowMs: this.#clock.monotonicMs(), observingSinceMs: this.#observingSinceMs };
  }

  /** Listening begins now: nobody was silent before. */
  beginObserving(): void {
    this.#observingSinceMs = this.#clock.monotonicMs();
  }

  /** What was seen of a node; all null for one that was never heard. */
  node(node: NodeId): NodeObservation {
    return this.#nodes.get(node) ?? unseen;
  }

  /** A hello: a sign of life, and the newest incarnation, though it may have waited in a buffer. */
  sessionOpened(node: NodeId, incarnation: Incarnation, report: AgentReport): void {
    const before = this.node(node);
    const same = before.incarnation?.id === incarnation.id;
    this.#nodes.set(node, {
      incarnation,
      sessionOpen: true,
      lastHeartbeatMs: this.#clock.monotonicMs(),
      lastHeartbeatWall: this.#clock.wallIso(),
      aliveAtMs: null,
      lastLeaseMs: same ? before.lastLeaseMs : null,
      gapsMs: this.#gapsOf(before),
      report: this.#reportOf(incarnation, report),
      rival: before.rival,
    });
    // What was sent on an earlier connection may be lost with it.
    for (const [id, command] of this.#commands) {
      if (command.node === node && command.outcome === null) this.#commands.delete(id);
    }
  }

  /** Another boot speaks in the name of the node while this one is heard. */
  heardTwice(node: NodeId, rival: BootId): void {
    const seen = this.node(node);
    const atMs = this.#clock.monotonicMs();
    const isSame = seen.rival?.bootId === rival && atMs - seen.rival.atMs < rivalWithinMs;
    const times = isSame ? (seen.rival?.times ?? 0) + 1 : 1;
    this.#nodes.set(node, { ...seen, rival: { bootId: rival, atMs, times } });
  }

  sessionClosed(node: NodeId): void {
    this.#nodes.set(node, { ...this.node(node), sessionOpen: false });
  }

  /** `aliveAtMs`: when that was sent which the heartbeat answers. */
  heartbeat(node: NodeId, aliveAtMs: number): void {
    const seen = this.#seen(node);
    seen.gapsMs = this.#gapsOf(seen);
    seen.aliveAtMs = Math.max(aliveAtMs, seen.aliveAtMs ?? aliveAtMs);
    seen.lastHeartbeatMs = this.#clock.monotonicMs();
    seen.lastHeartbeatWall = this.#clock.wallIso();
  }

  /** The boots that were heard of late, for a manager that does not hear them. */
  heardOf(): readonly HeardNode[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#nodes].flatMap(([node, { incarnation, lastHeartbeatMs }]) => {
      if (incarnation === null || lastHeartbeatMs === null) return [];
      const ageMs = nowMs - lastHeartbeatMs;
      return ageMs < toldWithinMs ? [{ node, bootId: incarnation.bootId, ageMs }] : [];
    });
  }

  /** The node holds a lease and makes no promise, from now on and until then (docs/peer-hold.md). */
  confirmed(node: NodeId, untilMs: number): void {
    const fromMs = this.#clock.monotonicMs();
    const known = this.#confirmed.get(node) ?? [];
    const next = withConfirmation(known, { fromMs, untilMs });
    if (next !== known) this.#confirmed.set(node, next);
  }

  /** The gaps with the one that ends now, if one does that this manager's own stalls leave. */
  #gapsOf({ lastHeartbeatMs, gapsMs }: NodeObservation): readonly number[] {
    if (lastHeartbeatMs === null) return gapsMs;
    const nowMs = this.#clock.monotonicMs();
    const silentMs = nowMs - lastHeartbeatMs - lateAfterMs(this.#stalls, lastHeartbeatMs);
    if (silentMs <= this.#options.overdueMs()) return gapsMs;
    return [...gapsMs, nowMs].slice(-keptGaps);
  }

  /**
   * What an agent's probes came to. What it answers was sent at `answeredMs`, so it asked no earlier
   * than the age of an answer before that.
   */
  sighted(
    by: { readonly node: NodeId; readonly incarnation: IncarnationId },
    nodes: Sightings['nodes'],
    answeredMs: number,
  ): void {
    const receivedMs = this.#clock.monotonicMs();
    const sights = nodes.map(
      (one) =>
        [
          nodeId(one.node),
          {
            bootId: one.bootId === null ? null : bootId(one.bootId),
            atMs: one.ageMs === null ? null : receivedMs - one.ageMs,
            certainMs: one.ageMs === null ? null : answeredMs - one.ageMs,
          },
        ] as const,
    );
    this.#peers.set(by.node, { incarnation: by.incarnation, receivedMs, nodes: new Map(sights) });
  }

  /**
   * A lease was acknowledged now, on the strength of a heartbeat that arrived before. Another
   * incarnation that has connected meanwhile does not hold it.
   */
  leaseGranted(node: NodeId, incarnation: IncarnationId): void {
    const seen = this.#seen(node);
    this.#leaseGrantedMs.set(node, this.#clock.monotonicMs());
    if (seen.incarnation?.id === incarnation) seen.lastLeaseMs = this.#clock.monotonicMs();
  }

  holdsLease(node: NodeId, leaseTtlMs: number): boolean {
    const { lastLeaseMs } = this.node(node);
    return lastLeaseMs !== null && this.#clock.monotonicMs() - lastLeaseMs < leaseTtlMs;
  }

  reported(node: NodeId, report: AgentReport): void {
    const before = this.node(node);
    if (before.incarnation === null) return;
    this.#nodes.set(node, { ...before, report: this.#reportOf(before.incarnation, report) });
  }

  /** Sent on the present session of its incarnation; an earlier outcome does not count any more. */
  commandSent(addressed: AddressedCommand): void {
    this.#commands.set(addressed.command.operation, {
      node: addressed.node,
      incarnation: addressed.incarnation,
      sentMs: this.#clock.monotonicMs(),
      outcome: null,
      outcomeMs: null,
    });
    this.#boundCommands();
  }

  /**
   * How a command ended. Only the incarnation that it was sent to has a say in that: operation ids
   * can be guessed, and a node's word releases its own permits alone (FAILURES X1).
   */
  commandEnded(
    by: { readonly node: NodeId; readonly incarnation: IncarnationId },
    operation: OperationId,
    outcome: CommandOutcome,
  ): void {
    const sent = this.#commands.get(operation);
    if (sent?.node !== by.node || sent.incarnation !== by.incarnation) return;
    this.#commands.set(operation, { ...sent, outcome, outcomeMs: this.#clock.monotonicMs() });
  }

  fence(id: FenceId): FenceObservation | undefined {
    return this.#fences.get(id);
  }

  setFence(id: FenceId, observation: FenceObservation): void {
    this.#fences.set(id, observation);
  }

  forgetFence(id: FenceId): void {
    this.#fences.delete(id);
  }

  /** This manager was held up until now, and heard nobody for so long. */
  stalled(lateMs: number): void {
    this.#stalls.push({ endedMs: this.#clock.monotonicMs(), lateMs });
    if (this.#stalls.length > keptStalls) this.#stalls.shift();
  }

  #seen(node: NodeId): SeenNode {
    const known = this.#nodes.get(node);
    if (known !== undefined) return known;
    const seen = { ...unseen };
    this.#nodes.set(node, seen);
    return seen;
  }

  #reportOf(incarnation: Incarnation, report: AgentReport): ReportObservation {
    const domains =
      report.domains === null
        ? null
        : new Map(report.domains.map((domain) => [domain.vm as VmId, domain as DomainObservation]));
    return {
      incarnation: incarnation.id,
      receivedMs: this.#clock.monotonicMs(),
      hypervisor: report.hypervisor,
      domains,
      capacity: report.capacity,
      degraded: report.degraded,
      mending: report.mending,
      leaving: report.leaving,
      watchdog: report.watchdog ?? null,
      ...(report.usage === undefined ? {} : { usage: usageByVm(report.usage) }),
      peerHold: report.peerHold ?? null,
    };
  }

  /** Drops the oldest that ended; those that wait are kept, or they would be sent again at once. */
  #boundCommands(): void {
    if (this.#commands.size <= keptCommands) return;
    for (const [id, command] of this.#commands) {
      if (this.#commands.size <= keptCommands) return;
      if (command.outcome !== null) this.#commands.delete(id);
    }
  }
}

function usageByVm(usage: NonNullable<AgentReport['usage']>): ReadonlyMap<VmId, MeasuredUse> {
  return new Map(usage.map(({ vm, cpus, memoryMiB }) => [vm as VmId, { cpus, memoryMiB }]));
}
