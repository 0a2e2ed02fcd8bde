import {
  keyOf,
  type ClusterObject,
  type ClusterState,
  type Counters,
} from '../core/cluster-state.ts';
import type { FailoverRecord } from '../core/model/failover.ts';
import type { FenceOperation } from '../core/model/fence-operation.ts';
import {
  revision,
  token,
  type Epoch,
  type FailoverId,
  type FenceId,
  type IncarnationId,
  type ManagerId,
  type NodeId,
  type Revision,
  type VmId,
} from '../core/model/ids.ts';
import type { AlertRecord } from '../core/model/alert.ts';
import { armed, type ArmingRecord } from '../core/model/arming.ts';
import { idleGovernor, type GovernorRecord } from '../core/model/governor.ts';
import { emptyRoster, type ManagerRecord, type Roster } from '../core/model/manager.ts';
import { noMembership, type MembershipRecord } from '../core/model/membership.ts';
import type { NodeRecord } from '../core/model/node.ts';
import type { PlacementRule, RuleId } from '../core/model/placement-rule.ts';
import type { ClusterSettings } from '../core/model/settings.ts';
import type { VmRecord } from '../core/model/vm.ts';
import type { Change } from '../core/plan.ts';
import type { Clock } from '../env/env.ts';
import type { KeyValue, Store, WatchBatch, Write } from '../store/store.ts';
import { decodeObject } from './object-codec.ts';
import { eventSequence, keys } from './keys.ts';

/**
 * The leader's copy of everything committed. Loaded once per leadership and then moved on by the
 * leader's own acknowledged writes: the store refuses every write of anybody else. Loaded anew when
 * a write has no answer or was refused.
 */
export class Mirror implements ClusterState {
  readonly epoch: Epoch;
  /** When this copy was begun: a leader's not before its election. Monotonic ms. */
  readonly sinceMs: number;
  settings: ClusterSettings;
  counters: Counters = { kind: 'counters', fence: 0, token: token(0) };
  roster: Roster = emptyRoster;
  governor: GovernorRecord = idleGovernor;
  arming: ArmingRecord = armed;
  membership: MembershipRecord = noMembership;
  readonly alerts = new Map<string, AlertRecord>();
  readonly managers = new Map<ManagerId, ManagerRecord>();
  readonly nodes = new Map<NodeId, NodeRecord>();
  readonly vms = new Map<VmId, VmRecord>();
  readonly rules = new Map<RuleId, PlacementRule>();
  readonly fences = new Map<FenceId, FenceOperation>();
  readonly failovers = new Map<FailoverId, FailoverRecord>();
  /** When this leader first saw a VM or a fence operation in its present phase. */
  readonly vmPhaseSinceMs = new Map<VmId, number>();
  /** Since when this leader has known that a VM waits for others. */
  readonly vmWaitSinceMs = new Map<VmId, number>();
  /** Since when this leader has known that a VM is to move. */
  readonly vmMoveSinceMs = new Map<VmId, number>();
  readonly fencePhaseSince = new Map<FenceId, { readonly ms: number; readonly wall: string }>();
  /** Since when this leader has known each node's admitted incarnation. */
  readonly incarnationSince = new Map<
    NodeId,
    { readonly incarnation: IncarnationId | null; readonly ms: number }
  >();
  /** Since when this leader has known what counts against a node. */
  readonly flapsSince = new Map<NodeId, { readonly flaps: number; readonly ms: number }>();
  readonly #revisions = new Map<string, Revision>();
  readonly #clock: Clock;
  #firstEvent = 1;
  #nextEvent = 1;

  /** `settings`: those of a cluster in whose store there are none yet. */
  constructor(epoch: Epoch, clock: Clock, settings: ClusterSettings) {
    this.epoch = epoch;
    this.#clock = clock;
    this.sinceMs = clock.monotonicMs();
    this.settings = settings;
  }

  /** Number of the oldest event that is kept. */
  get firstEvent(): number {
    return this.#firstEvent;
  }

  /** Number that the next event gets. */
  get nextEvent(): number {
    return this.#nextEvent;
  }

  /** Revision of a key's last write; 0 = absent. */
  revisionOf(key: string): Revision {
    return this.#revisions.get(key) ?? revision(0);
  }

  /** Replaces everything by what the store holds. Rejects when the store does not answer. */
  async load(store: Store): Promise<void> {
    this.replace((await store.list('')).items);
  }

  /** Takes over a whole store as it was at one revision. */
  replace(items: readonly KeyValue[]): void {
    const phases = this.#clear();
    const sequences: number[] = [];
    for (const item of items) {
      this.#revisions.set(item.key, item.modRevision);
      if (item.key.startsWith(keys.events)) sequences.push(eventSequence(item.key));
      if (!isObjectKey(item.key)) continue;
      const object = decodeObject(item.value);
      if (object !== null) this.#place(object, phases.get(item.key));
    }
    this.#firstEvent = sequences[0] ?? 1;
    this.#nextEvent = (sequences.at(-1) ?? 0) + 1;
    forgetAbsent(this.vmPhaseSinceMs, this.vms);
    forgetAbsent(this.vmWaitSinceMs, this.vms);
    forgetAbsent(this.vmMoveSinceMs, this.vms);
    forgetAbsent(this.fencePhaseSince, this.fences);
    forgetAbsent(this.incarnationSince, this.nodes);
    forgetAbsent(this.flapsSince, this.nodes);
  }

  /** Moves on by one committed transaction: the objects it changed, and every key it wrote. */
  apply(changes: readonly Change[], writes: readonly Write[], at: Revision): void {
    for (const change of changes) {
      if (change.kind === 'put') this.#place(change.object, this.#phaseOf(change.object));
      else this.#remove(change.key);
    }
    for (const write of writes) this.#note(write, at);
  }

  /** Moves on by what somebody else committed: everything of one revision. */
  follow(batch: WatchBatch): void {
    for (const { key, current } of batch.changes) {
      if (current === null) {
        this.#note({ kind: 'delete', key }, batch.revision);
        this.#remove(key);
        continue;
      }
      this.#note({ kind: 'put', key, value: current.value }, current.modRevision);
      const object = isObjectKey(key) ? decodeObject(current.value) : null;
      if (object !== null) this.#place(object, this.#phaseOf(object));
    }
  }

  #note(write: Write, at: Revision): void {
    if (write.kind === 'put') this.#revisions.set(write.key, at);
    else this.#revisions.delete(write.key);
    if (!write.key.startsWith(keys.events)) return;
    const following = eventSequence(write.key) + 1;
    if (write.kind === 'put') this.#nextEvent = following;
    else this.#firstEvent = following;
  }

  /** Forgets the objects; answers the phases they were in, by key. */
  #clear(): ReadonlyMap<string, string> {
    const phases = new Map<string, string>();
    for (const object of [...this.vms.values(), ...this.fences.values()]) {
      phases.set(keyOf(object), object.phase);
    }
    this.#revisions.clear();
    this.roster = emptyRoster;
    this.governor = idleGovernor;
    this.arming = armed;
    this.membership = noMembership;
    this.alerts.clear();
    this.managers.clear();
    this.nodes.clear();
    this.vms.clear();
    this.rules.clear();
    this.fences.clear();
    this.failovers.clear();
    return phases;
  }

  #phaseOf(object: ClusterObject): string | undefined {
    if (object.kind === 'vm') return this.vms.get(object.id)?.phase;
    if (object.kind === 'fence') return this.fences.get(object.id)?.phase;
    return undefined;
  }

  /** `phase`: the one that the object was in before, as far as it has one and was known. */
  #place(object: ClusterObject, phase: string | undefined): void {
    const nowMs = this.#clock.monotonicMs();
    switch (object.kind) {
      case 'settings':
        this.settings = object;
        break;
      case 'counters':
        this.counters = object;
        break;
      case 'roster':
        this.roster = object;
        break;
      case 'governor':
        this.governor = object;
        break;
      case 'arming':
        this.arming = object;
        break;
      case 'membership':
        this.membership = object;
        break;
      case 'alert':
        this.alerts.set(object.id, object);
        break;
      case 'manager':
        this.managers.set(object.id, object);
        break;
      case 'node':
        this.#placeNode(object, nowMs);
        break;
      case 'vm':
        if (phase !== object.phase) this.vmPhaseSinceMs.set(object.id, nowMs);
        noteSince(this.vmWaitSinceMs, object.id, object.wait != null, nowMs);
        noteSince(this.vmMoveSinceMs, object.id, object.move !== null, nowMs);
        this.vms.set(object.id, object);
        break;
      case 'rule':
        this.rules.set(object.id, object);
        break;
      case 'fence':
        if (phase !== object.phase) {
          // What was called off before this leader read of it was not called off just now.
          const inherited = phase === undefined && object.phase === 'cancelled';
          const ms = inherited ? -Infinity : nowMs;
          this.fencePhaseSince.set(object.id, { ms, wall: this.#clock.wallIso() });
        }
        this.fences.set(object.id, object);
        break;
      case 'failover':
        this.failovers.set(object.id, object);
        break;
      default:
        object satisfies never;
    }
  }

  #placeNode(node: NodeRecord, nowMs: number): void {
    const incarnation = node.incarnation?.id ?? null;
    const known = this.incarnationSince.get(node.id);
    if (known === undefined || known.incarnation !== incarnation) {
      this.incarnationSince.set(node.id, { incarnation, ms: nowMs });
    }
    const flaps = node.flaps ?? 0;
    if (this.flapsSince.get(node.id)?.flaps !== flaps) {
      this.flapsSince.set(node.id, { flaps, ms: nowMs });
    }
    this.nodes.set(node.id, node);
  }

  #remove(key: string): void {
    const slash = key.indexOf('/');
    const id = key.slice(slash + 1);
    switch (key.slice(0, slash)) {
      case 'alert':
        this.alerts.delete(id);
        break;
      case 'manager':
        this.managers.delete(id as ManagerId);
        break;
      case 'node':
        this.nodes.delete(id as NodeId);
        this.incarnationSince.delete(id as NodeId);
        this.flapsSince.delete(id as NodeId);
        break;
      case 'vm':
        this.vms.delete(id as VmId);
        this.vmPhaseSinceMs.delete(id as VmId);
        this.vmWaitSinceMs.delete(id as VmId);
        this.vmMoveSinceMs.delete(id as VmId);
        break;
      case 'rule':
        this.rules.delete(id);
        break;
      case 'fence':
        this.fences.delete(id as FenceId);
        this.fencePhaseSince.delete(id as FenceId);
        break;
      case 'failover':
        this.failovers.delete(id as FailoverId);
        break;
      default:
    }
  }
}

/** Keeps when something was first so, while it is. */
function noteSince(since: Map<VmId, number>, vm: VmId, isSo: boolean, nowMs: number): void {
  if (!isSo) since.delete(vm);
  else if (!since.has(vm)) since.set(vm, nowMs);
}

function forgetAbsent<Id>(since: Map<Id, unknown>, present: ReadonlyMap<Id, unknown>): void {
  for (const id of since.keys()) if (!present.has(id)) since.delete(id);
}

function isObjectKey(key: string): boolean {
  return !Object.values(keys).some((prefix) => key === prefix || key.startsWith(prefix));
}
