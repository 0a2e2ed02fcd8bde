import { isDeepStrictEqual } from 'node:util';
import type { MaintenanceView } from '../api/schema/maintenance.ts';
import type { FailoverView, NodeView, StatusView, VmView } from '../api/schema/views.ts';
import type { Env } from '../env/env.ts';
import { linkedAbort, pause } from './kube/pause.ts';
import type { Managers } from './managers.ts';

/** Looks at the managers without an event: what changes without one is seen this late. */
const quietMs = 10_000;
/** Between two looks, however much happens. */
const shortestMs = 250;

/** What is said of the cluster as a whole. */
type Seen = Pick<StatusView, 'clusterId' | 'epoch' | 'vcpuOvercommit'>;

type Listener = (names: readonly string[]) => void;

/**
 * What Kennel last said of everything, and who changed since. A look that fails leaves what was seen;
 * `isCurrent` tells whether the last one succeeded with an answer that was certainly not old.
 */
export class ClusterSight {
  readonly vms = new Map<string, VmView>();
  readonly nodes = new Map<string, NodeView>();
  readonly failovers = new Map<string, FailoverView>();
  /** By node. */
  readonly maintenance = new Map<string, MaintenanceView>();
  #cluster: Seen | null = null;
  #isCurrent = false;
  #onVms: Listener = () => undefined;
  #onNodes: Listener = () => undefined;
  #onFailovers: Listener = () => undefined;
  #onMaintenance: Listener = () => undefined;
  /** VMs that a change of ours was answered with while a look was under way. */
  readonly #learned = new Map<string, VmView>();
  readonly #learnedMaintenance = new Map<string, MaintenanceView>();
  readonly #env: Pick<Env, 'timers' | 'log'>;
  readonly #managers: Managers;

  constructor(env: Pick<Env, 'timers' | 'log'>, managers: Managers) {
    this.#env = env;
    this.#managers = managers;
  }

  /** Null until Kennel was seen for the first time. */
  get cluster(): Seen | null {
    return this.#cluster;
  }

  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** Who is told of names whose views changed, came or went. */
  listen(listeners: {
    onVms: Listener;
    onNodes: Listener;
    onFailovers: Listener;
    onMaintenance: Listener;
  }): void {
    this.#onVms = listeners.onVms;
    this.#onNodes = listeners.onNodes;
    this.#onFailovers = listeners.onFailovers;
    this.#onMaintenance = listeners.onMaintenance;
  }

  /** Takes in what a change of ours was answered with: newer than what was seen. */
  learn(vm: VmView): void {
    this.vms.set(vm.name, vm);
    this.#learned.set(vm.name, vm);
  }

  learnMaintenance(view: MaintenanceView): void {
    this.maintenance.set(view.node, view);
    this.#learnedMaintenance.set(view.node, view);
  }

  /** Looks until the signal fires: after every event, and now and then. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let wake = (): void => undefined;
    let isStale = false;
    const watching = this.#managers.watch(() => {
      isStale = true;
      wake();
    }, signal);
    while (!signal.aborted) {
      isStale = false;
      await this.look(signal);
      await pause(this.#env, shortestMs, signal);
      const { controller, unlink } = linkedAbort(signal);
      wake = () => controller.abort();
      if (!isStale) await pause(this.#env, quietMs, controller.signal);
      unlink();
    }
    await watching;
  }

  async look(signal: AbortSignal): Promise<void> {
    this.#learned.clear();
    this.#learnedMaintenance.clear();
    const [status, failovers, maintenance] = [
      await this.#managers.status({ signal }),
      await this.#managers.failovers({ signal }),
      await this.#managers.maintenance({ signal }),
    ];
    if (signal.aborted) return;
    if (status.kind === 'problem') {
      this.#isCurrent = false;
      this.#env.log.warn({ problem: status.problem.code }, 'the managers do not answer');
      return;
    }
    this.#isCurrent = status.value.ageMs === 0;
    const { clusterId, epoch, vcpuOvercommit, vms, nodes } = status.value;
    this.#cluster = { clusterId, epoch, vcpuOvercommit };
    const seen = vms.map((vm) => this.#learned.get(vm.name) ?? vm);
    this.#onVms(take(this.vms, named([...seen, ...this.#learned.values()]), withoutUsage));
    this.#onNodes(take(this.nodes, named(nodes), withoutAges));
    if (failovers.kind === 'ok') {
      const byId = new Map(failovers.value.map((one) => [one.id.toLowerCase(), one]));
      this.#onFailovers(take(this.failovers, byId));
    }
    if (maintenance.kind === 'ok') {
      const byNode = new Map(maintenance.value.map((one) => [one.node, one]));
      for (const [node, view] of this.#learnedMaintenance) byNode.set(node, view);
      this.#onMaintenance(take(this.maintenance, byNode));
    }
  }
}

const named = <T extends { readonly name: string }>(views: readonly T[]): Map<string, T> =>
  new Map(views.map((one) => [one.name, one]));

/** No object shows it, and it is another one at every look. */
function withoutUsage(vm: VmView): unknown {
  const { usage: _, ...rest } = vm;
  return rest;
}

/** What passes by itself is no change. */
function withoutAges(node: NodeView): unknown {
  const { lastSeenMs: _, leaseMs: __, fence, fenceDevices: ___, ...rest } = node;
  if (fence === null) return { ...rest, fence };
  const { id, bootId, awaiting, proof } = fence;
  return { ...rest, fence: { id, bootId, awaiting, proof: proof?.kind ?? null } };
}

/** Makes `known` what `fresh` is; answers who came, changed and went. */
function take<T>(
  known: Map<string, T>,
  fresh: ReadonlyMap<string, T>,
  essence: (one: T) => unknown = (one) => one,
): readonly string[] {
  const changed: string[] = [];
  for (const name of known.keys()) if (!fresh.has(name)) changed.push(name);
  for (const [name, view] of fresh) {
    const before = known.get(name);
    if (before === undefined || !isDeepStrictEqual(essence(before), essence(view))) {
      changed.push(name);
    }
  }
  known.clear();
  for (const [name, view] of fresh) known.set(name, view);
  return changed;
}
