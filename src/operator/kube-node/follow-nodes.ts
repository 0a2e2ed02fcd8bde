import type { Env } from '../../env/env.ts';
import type { ClusterSight } from '../cluster-sight.ts';
import { follow, type Followed } from '../kube/follow.ts';
import type { KubeApi, KubeObject } from '../kube/kube-api.ts';
import { kubeNodes } from './kube-node.ts';
import { NodeClaims } from './node-claims.ts';
import { TaintReconciler } from './taint-reconciler.ts';

const workers = 2;

/** Nodes of Kubernetes, as far as they are machines of ours. */
export interface FollowedNodes extends Followed {
  /** Those that say they are this hypervisor; null until Nodes were listed once, or are not ours to see. */
  claimants(hypervisor: string): readonly KubeObject[] | null;
  /** Has the Nodes looked at that have to do with these hypervisors. */
  look(hypervisors: readonly string[]): void;
}

/** `onHypervisors` is told of those for which another Node may count than before. */
export function followKubeNodes(options: {
  readonly env: Pick<Env, 'timers' | 'clock' | 'random' | 'log'>;
  readonly api: KubeApi;
  readonly sight: ClusterSight;
  readonly onHypervisors: (names: Iterable<string>) => void;
}): FollowedNodes {
  const { env, api, sight, onHypervisors } = options;
  const claims = new NodeClaims({ get: (name) => followed.reflector.store.get(name) });
  const look = (hypervisors: readonly string[]): void => {
    for (const hypervisor of hypervisors) {
      for (const name of claims.concerned(hypervisor)) followed.controller.queue.add(name);
    }
  };
  const onChange = (name: string): void => {
    const hypervisors = claims.note(name);
    // Where two say the same, each change of one is news of the other.
    look(hypervisors);
    onHypervisors(hypervisors);
  };
  const followed: Followed = follow(
    { env, api, resource: kubeNodes, workers, onChange },
    (store) => {
      const reconciler = new TaintReconciler({ env, api, store, claims, sight });
      return (name) => reconciler.reconcile(name);
    },
  );
  let isListed = false;
  void followed.reflector.synced.then(() => {
    isListed = true;
    return onHypervisors(sight.nodes.keys());
  });
  return {
    ...followed,
    look,
    claimants: (hypervisor) => (isListed ? claims.claimants(hypervisor) : null),
  };
}
