import type { NodeView } from '../../api/schema/views.ts';
import type { Env } from '../../env/env.ts';
import type { ClusterSight } from '../cluster-sight.ts';
import { mergeObject } from '../kube/apply.ts';
import { again, done, type Reconciled } from '../kube/controller.ts';
import type { KubeApi, KubeObject } from '../kube/kube-api.ts';
import type { ObjectStore } from '../kube/object-store.ts';
import { settled } from '../kube/settled.ts';
import { followUpMs } from '../pushed.ts';
import { claimOf, kubeNodes } from './kube-node.ts';
import { matchOf } from './machine-match.ts';
import type { NodeClaims } from './node-claims.ts';
import { markOf, planTaint, taintPatch, type TaintMark } from './out-of-service.ts';

/** Has Kubernetes give up the pods of a machine that is proven off, and of no other. */
export class TaintReconciler {
  readonly #env: Pick<Env, 'clock' | 'log'>;
  readonly #api: KubeApi;
  readonly #store: Pick<ObjectStore, 'get'>;
  readonly #claims: NodeClaims;
  readonly #sight: ClusterSight;

  constructor(options: {
    readonly env: Pick<Env, 'clock' | 'log'>;
    readonly api: KubeApi;
    readonly store: Pick<ObjectStore, 'get'>;
    readonly claims: NodeClaims;
    readonly sight: ClusterSight;
  }) {
    this.#env = options.env;
    this.#api = options.api;
    this.#store = options.store;
    this.#claims = options.claims;
    this.#sight = options.sight;
  }

  async reconcile(name: string): Promise<Reconciled> {
    const node = this.#store.get(name);
    if (node === undefined) return done;
    const { cluster, isCurrent } = this.#sight;
    if (cluster === null) return again(followUpMs);
    const { clusterId } = cluster;
    const claimed = this.#claimedBy(node);
    const marked = this.#sight.nodes.get(markOf(node)?.hypervisor ?? '') ?? null;
    const plan = planTaint(node, { clusterId, claimed, marked });
    if (plan.kind === 'stays') return done;
    // An old answer may be from before the proof, or from before the admission that ended it.
    if (!isCurrent) return again(followUpMs);
    if (plan.kind === 'lift') {
      const { hypervisor, fence } = plan.mark;
      if (await this.#write(node, null)) {
        this.#env.log.info({ node: name, hypervisor, fence }, 'the Node is in service again');
      }
      return done;
    }
    const { id: fence, bootId, proof, node: hypervisor } = plan.fence;
    // Kubernetes keeps whole seconds.
    const timeAdded = this.#env.clock.wallIso().replace(/\.\d+Z$/, 'Z');
    const mark = { clusterId, hypervisor, fence, bootId, proof: proof?.kind ?? '', timeAdded };
    if (await this.#write(node, mark)) {
      this.#env.log.warn({ node: name, hypervisor, fence }, 'the Node is out of service');
    }
    return done;
  }

  #claimedBy(node: KubeObject): Parameters<typeof planTaint>[1]['claimed'] {
    const view = this.#viewOf(claimOf(node));
    if (view === null) return null;
    return { view, match: matchOf(view, this.#claims.claimants(view.name)) };
  }

  #viewOf(hypervisor: string | null): NodeView | null {
    return hypervisor === null ? null : (this.#sight.nodes.get(hypervisor) ?? null);
  }

  /** False when somebody has written since: the event of that has it looked at anew. */
  async #write(node: KubeObject, mark: TaintMark | null): Promise<boolean> {
    return settled(await mergeObject(this.#api, kubeNodes, node, taintPatch(node, mark)));
  }
}
