import type { Env } from '../../env/env.ts';
import type { ClusterSight } from '../cluster-sight.ts';
import { again, done, type Reconciled } from '../kube/controller.ts';
import type { KubeApi, KubeObject } from '../kube/kube-api.ts';
import { listPath, objectPath } from '../kube/resource.ts';
import { settled } from '../kube/settled.ts';
import { matchOf } from '../kube-node/machine-match.ts';
import { followUpMs, refusedMs } from '../pushed.ts';
import {
  hasEnded,
  isPlaceholder,
  placeholderPod,
  pods,
  standsFor,
  type PlaceholderOptions,
} from './placeholder-pod.ts';
import type { Reservation } from './reservations.ts';

/** What a placeholder is made from, beside its reservation. */
export interface PlaceholderSources {
  readonly sight: ClusterSight;
  /** By the name of the pod. */
  readonly reservations: () => ReadonlyMap<string, Reservation>;
  readonly claimants: (hypervisor: string) => readonly KubeObject[] | null;
  /** The object that shows a hypervisor. */
  readonly shown: (hypervisor: string) => KubeObject | undefined;
}

/** Keeps one pod for each VM on each Node that it takes room of. */
export class PlaceholderReconciler {
  readonly #env: Pick<Env, 'clock'>;
  readonly #api: KubeApi;
  readonly #store: { get(key: string): KubeObject | undefined };
  readonly #options: PlaceholderOptions;
  readonly #sources: PlaceholderSources;
  /** Since when the pod under a key was seen to have ended. */
  readonly #ended = new Map<string, { readonly uid: string; readonly sinceMs: number }>();

  constructor(options: {
    readonly env: Pick<Env, 'clock'>;
    readonly api: KubeApi;
    readonly store: { get(key: string): KubeObject | undefined };
    readonly options: PlaceholderOptions;
    readonly sources: PlaceholderSources;
  }) {
    this.#env = options.env;
    this.#api = options.api;
    this.#store = options.store;
    this.#options = options.options;
    this.#sources = options.sources;
  }

  async reconcile(key: string): Promise<Reconciled> {
    const name = key.slice(key.indexOf('/') + 1);
    const { sight, reservations } = this.#sources;
    if (sight.cluster === null) return again(followUpMs);
    const wanted = reservations().get(name) ?? null;
    const pod = this.#store.get(key);
    if (pod === undefined || !hasEnded(pod)) this.#ended.delete(key);
    if (pod === undefined) return wanted === null ? done : this.#make(wanted);
    if (!isPlaceholder(pod) || pod.metadata.deletionTimestamp !== undefined) return done;
    if (wanted !== null && standsFor(pod, wanted, this.#nodeOf(wanted))) {
      if (!hasEnded(pod)) return done;
      const leftMs = this.#restMs(key, pod.metadata.uid);
      if (leftMs > 0) return again(leftMs);
    }
    // By an old answer the VM may not be there yet.
    if (!sight.isCurrent) return again(followUpMs);
    await this.#drop(pod);
    return done;
  }

  async #make(reservation: Reservation): Promise<Reconciled> {
    const nodeName = this.#nodeOf(reservation);
    if (nodeName === null) return done;
    const hypervisor = this.#sources.shown(reservation.hypervisor);
    if (hypervisor === undefined) return again(followUpMs);
    const answer = await this.#api.call({
      method: 'POST',
      path: listPath(pods, this.#options.namespace),
      body: placeholderPod(reservation, { ...this.#options, nodeName, hypervisor }),
    });
    settled(answer);
    return done;
  }

  /** The Node that is certainly the machine, and not proven off; null = there is none. News of Nodes come by again. */
  #nodeOf({ hypervisor }: Reservation): string | null {
    const view = this.#sources.sight.nodes.get(hypervisor);
    const claims = this.#sources.claimants(hypervisor);
    if (view === undefined || claims === null || view.state === 'fenced') return null;
    const match = matchOf(view, claims);
    return match.kind === 'same' ? match.node.metadata.name : null;
  }

  /** At once: nothing in it wants to end well, and the kubelet of a dead machine would never say that it has. */
  async #drop({ metadata: { namespace, name, uid } }: KubeObject): Promise<void> {
    const answer = await this.#api.call({
      method: 'DELETE',
      path: objectPath(pods, { namespace, name }),
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        gracePeriodSeconds: 0,
        preconditions: { uid },
      },
    });
    settled(answer);
  }

  /** One that a kubelet refused is not made anew at once: it would be refused again. */
  #restMs(key: string, uid: string): number {
    const nowMs = this.#env.clock.monotonicMs();
    const known = this.#ended.get(key);
    const sinceMs = known?.uid === uid ? known.sinceMs : nowMs;
    this.#ended.set(key, { uid, sinceMs });
    return sinceMs + refusedMs - nowMs;
  }
}
