import {
  nodeMaintenanceSpecSchema,
  type NodeMaintenanceSpec,
} from '../../api/schema/kubernetes/node-maintenance.ts';
import type { MaintainNode } from '../../api/schema/maintenance.ts';
import type { Env } from '../../env/env.ts';
import type { ClusterSight } from '../cluster-sight.ts';
import { nodeMaintenances } from '../crd/kinds.ts';
import { applyFinalizers, applyStatus, isSameJson } from '../kube/apply.ts';
import { again, done, type Reconciled } from '../kube/controller.ts';
import type { KubeApi, KubeObject } from '../kube/kube-api.ts';
import type { ObjectStore } from '../kube/object-store.ts';
import { settled } from '../kube/settled.ts';
import type { Managers } from '../managers.ts';
import {
  accepted,
  afterProblem,
  changedElsewhere,
  followUpMs,
  invalidSpec,
  isUnreached,
  refused,
  refusedMs,
  said,
  wasTaken,
  type Pushed,
  type Sync,
} from '../pushed.ts';
import { evictionTimeoutMs, maintenanceStatus } from './maintenance-status.ts';

/** Held until Kennel has ended the maintenance. */
export const maintenanceFinalizer = 'kennel.dev/maintenance';

/** Keeps a hypervisor in maintenance for as long as there is an object that says so. */
export class MaintenanceReconciler {
  readonly #env: Pick<Env, 'clock'>;
  readonly #api: KubeApi;
  readonly #store: Pick<ObjectStore, 'get' | 'values'>;
  readonly #managers: Managers;
  readonly #sight: ClusterSight;

  constructor(options: {
    readonly env: Pick<Env, 'clock'>;
    readonly api: KubeApi;
    readonly store: Pick<ObjectStore, 'get' | 'values'>;
    readonly managers: Managers;
    readonly sight: ClusterSight;
  }) {
    this.#env = options.env;
    this.#api = options.api;
    this.#store = options.store;
    this.#managers = options.managers;
    this.#sight = options.sight;
  }

  async reconcile(key: string): Promise<Reconciled> {
    const object = this.#store.get(key);
    if (object === undefined) return done;
    if (object.metadata.deletionTimestamp !== undefined) return this.#end(object);
    if (this.#sight.cluster === null) return again(followUpMs);
    if (!(object.metadata.finalizers ?? []).includes(maintenanceFinalizer)) {
      const held = await applyFinalizers(this.#api, nodeMaintenances, object, [
        maintenanceFinalizer,
      ]);
      if (!settled(held)) return done;
    }
    const { sync, next } = await this.#push(object);
    await this.#show(object, sync);
    return next;
  }

  async #push(object: KubeObject): Promise<Pushed> {
    const checked = nodeMaintenanceSpecSchema.safeParse(object.spec);
    if (!checked.success) return invalidSpec(checked.error);
    const spec = checked.data;
    const holder = this.#holderOf(spec.nodeName);
    if (holder !== null && holder.metadata.uid !== object.metadata.uid) {
      const message = `${holder.metadata.name} holds ${spec.nodeName} in maintenance`;
      return { sync: refused('NodeTaken', message), next: again(refusedMs) };
    }
    if (wasTaken(object)) {
      return this.#viewOf(spec.nodeName)?.evacuation?.kind === 'maintenance'
        ? { sync: accepted, next: done }
        : changedElsewhere('its maintenance was ended by a command');
    }
    const answer = await this.#managers.maintainNode(spec.nodeName, bodyOf(spec), {
      reason: reasonOf(object, spec),
    });
    if (answer.kind === 'problem') return afterProblem(answer);
    this.#sight.learnMaintenance(answer.value);
    return { sync: accepted, next: done };
  }

  /** An object that goes ends the maintenance that it asked for, unless another object wants it too. */
  async #end(object: KubeObject): Promise<Reconciled> {
    if (!(object.metadata.finalizers ?? []).includes(maintenanceFinalizer)) return done;
    const { success, data: spec } = nodeMaintenanceSpecSchema.safeParse(object.spec);
    if (success && this.#holderOf(spec.nodeName) === null && (await this.#isOurs(object, spec))) {
      const answer = await this.#managers.maintainNode(
        spec.nodeName,
        { want: 'exit' },
        { reason: `NodeMaintenance ${object.metadata.name} is deleted` },
      );
      if (answer.kind === 'ok') this.#sight.learnMaintenance(answer.value);
      // Otherwise its operating system goes down, or it is no node any more: nothing of ours is left.
      else if (isUnreached(answer.problem)) throw new Error(said(answer.problem));
    }
    settled(await applyFinalizers(this.#api, nodeMaintenances, object, []));
    return done;
  }

  /** What people asked for in other words since is theirs to end. */
  async #isOurs(object: KubeObject, spec: NodeMaintenanceSpec): Promise<boolean> {
    const seen = await this.#managers.maintenance();
    if (seen.kind === 'problem') throw new Error(said(seen.problem));
    const view = seen.value.find(({ node }) => node === spec.nodeName);
    return view?.evacuation?.reason === reasonOf(object, spec);
  }

  /** The oldest object for a hypervisor that is not going. */
  #holderOf(nodeName: string): KubeObject | null {
    let holder: KubeObject | null = null;
    for (const one of this.#store.values()) {
      const spec = one.spec as Partial<NodeMaintenanceSpec> | undefined;
      if (spec?.nodeName !== nodeName || one.metadata.deletionTimestamp !== undefined) continue;
      if (holder === null || isOlder(one, holder)) holder = one;
    }
    return holder;
  }

  #viewOf(nodeName: string) {
    return this.#sight.maintenance.get(nodeName) ?? null;
  }

  async #show(object: KubeObject, sync: Sync): Promise<void> {
    const { nodeName } = (object.spec ?? {}) as Partial<NodeMaintenanceSpec>;
    const isHeld = sync.status === 'True' || sync.reason === 'ManagersUnavailable';
    const view = nodeName === undefined || !isHeld ? null : this.#viewOf(nodeName);
    const status = maintenanceStatus(object, view, sync, this.#env.clock.wallIso());
    if (isSameJson(object.status, status)) return;
    settled(await applyStatus(this.#api, nodeMaintenances, object, status));
  }
}

function bodyOf(spec: NodeMaintenanceSpec): MaintainNode {
  return {
    want: 'maintenance',
    stuck: spec.policy.toLowerCase() as 'restart' | 'leave' | 'refuse',
    deadlineMs: evictionTimeoutMs(spec),
    force: false,
  };
}

const isOlder = (a: KubeObject, b: KubeObject): boolean => ageKey(a) < ageKey(b);
const ageKey = ({ metadata: { creationTimestamp, uid } }: KubeObject): string =>
  `${creationTimestamp ?? ''} ${uid}`;

/** Kennel keeps it with the maintenance, so it tells whose that is. */
function reasonOf({ metadata }: KubeObject, { reason }: NodeMaintenanceSpec): string {
  const why = reason === undefined ? '' : `: ${reason}`;
  return `NodeMaintenance ${metadata.name}${why}`;
}
