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
  type Epoch,
  type FailoverId,
  type FenceId,
  type IncarnationId,
  type NodeId,
  type Revision,
  type VmId,
} from '../core/model/ids.ts';
import type { NodeRecord } from '../core/model/node.ts';
import { defaultSettings, type ClusterSettings } from '../core/model/settings.ts';
import type { VmRecord } from '../core/model/vm.ts';
import type { Change } from '../core/plan.ts';
import type { Clock } from '../env/env.ts';
import type { Store } from '../store/store.ts';
import { decodeObject } from './object-codec.ts';
import { eventSequence, keys } from './keys.ts';

/**
 * The leader's copy of everything committed. Loaded once per leadership and then moved on by the
 * leader's own acknowledged writes: the store refuses every write of anybody else.
 */
export class Mirror implements ClusterState {
  readonly epoch: Epoch;
  settings: ClusterSettings = defaultSettings('default');
  counters: Counters = { kind: 'counters', fence: 0 };
  readonly nodes = new Map<NodeId, NodeRecord>();
  readonly vms = new Map<VmId, VmRecord>();
  readonly fences = new Map<FenceId, FenceOperation>();
  readonly failovers = new Map<FailoverId, FailoverRecord>();
  /** When this leader first saw a VM or a fence operation in its present phase. */
  readonly vmPhaseSinceMs = new Map<VmId, number>();
  /** Since when this leader has known each node's admitted incarnation. */
  readonly incarnationSince = new Map<
    NodeId,
    { readonly incarnation: IncarnationId | null; readonly ms: number }
  >();
  readonly fencePhaseSince = new Map<FenceId, { readonly ms: number; readonly wall: string }>();
  firstEvent = 1;
  nextEvent = 1;
  revision: Revision = revision(0);
  readonly #revisions = new Map<string, Revision>();
  readonly #clock: Clock;

  constructor(epoch: Epoch, clock: Clock) {
    this.epoch = epoch;
    this.#clock = clock;
  }

  /** Revision of a key's last write; 0 = absent. */
  revisionOf(key: string): Revision {
    return this.#revisions.get(key) ?? revision(0);
  }

  /** Replaces everything by what the store holds. Rejects when the store does not answer. */
  async load(store: Store): Promise<void> {
    const all = await store.list('');
    this.#clear();
    this.revision = all.revision;
    const sequences: number[] = [];
    for (const item of all.items) {
      this.#revisions.set(item.key, item.modRevision);
      if (item.key.startsWith(keys.events)) sequences.push(eventSequence(item.key));
      if (!isObjectKey(item.key)) continue;
      const object = decodeObject(item.value);
      if (object !== null) this.#place(object);
    }
    this.firstEvent = sequences[0] ?? 1;
    this.nextEvent = (sequences.at(-1) ?? 0) + 1;
  }

  /** Moves on by one committed transaction. `touched` are its keys that are no objects. */
  apply(changes: readonly Change[], touched: readonly string[], at: Revision): void {
    for (const change of changes) {
      if (change.kind === 'put') {
        this.#revisions.set(keyOf(change.object), at);
        this.#place(change.object);
      } else {
        this.#revisions.delete(change.key);
        this.#remove(change.key);
      }
    }
    for (const key of touched) this.#revisions.set(key, at);
    this.revision = at;
  }

  #clear(): void {
    this.#revisions.clear();
    this.nodes.clear();
    this.vms.clear();
    this.fences.clear();
    this.failovers.clear();
  }

  #place(object: ClusterObject): void {
    switch (object.kind) {
      case 'settings':
        this.settings = object;
        break;
      case 'counters':
        this.counters = object;
        break;
      case 'node':
        this.#placeNode(object);
        break;
      case 'vm':
        if (
          this.vms.get(object.id)?.phase !== object.phase ||
          !this.vmPhaseSinceMs.has(object.id)
        ) {
          this.vmPhaseSinceMs.set(object.id, this.#clock.monotonicMs());
        }
        this.vms.set(object.id, object);
        break;
      case 'fence':
        this.#placeFence(object);
        break;
      case 'failover':
        this.failovers.set(object.id, object);
        break;
      default:
        object satisfies never;
    }
  }

  #placeNode(node: NodeRecord): void {
    const incarnation = node.incarnation?.id ?? null;
    const known = this.incarnationSince.get(node.id);
    if (known === undefined || known.incarnation !== incarnation) {
      this.incarnationSince.set(node.id, { incarnation, ms: this.#clock.monotonicMs() });
    }
    this.nodes.set(node.id, node);
  }

  #placeFence(fence: FenceOperation): void {
    if (this.fences.get(fence.id)?.phase !== fence.phase || !this.fencePhaseSince.has(fence.id)) {
      this.fencePhaseSince.set(fence.id, {
        ms: this.#clock.monotonicMs(),
        wall: this.#clock.wallIso(),
      });
    }
    this.fences.set(fence.id, fence);
  }

  #remove(key: string): void {
    const slash = key.indexOf('/');
    const id = key.slice(slash + 1);
    switch (key.slice(0, slash)) {
      case 'node':
        this.nodes.delete(id as NodeId);
        this.incarnationSince.delete(id as NodeId);
        break;
      case 'vm':
        this.vms.delete(id as VmId);
        this.vmPhaseSinceMs.delete(id as VmId);
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

function isObjectKey(key: string): boolean {
  return !Object.values(keys).some((prefix) => key === prefix || key.startsWith(prefix));
}
