import { isDeepStrictEqual } from 'node:util';
import type { Env } from '../../env/env.ts';
import type { ClusterSight } from '../cluster-sight.ts';
import { follow, type Followed } from '../kube/follow.ts';
import type { KubeApi } from '../kube/kube-api.ts';
import { hasEnded, hypervisorOf, pods, type PlaceholderOptions } from './placeholder-pod.ts';
import { PlaceholderReconciler, type PlaceholderSources } from './placeholder-reconciler.ts';
import { reservationsOf, type Reservation } from './reservations.ts';

const workers = 4;

/** The pods that tell Kubernetes what VMs take. */
export interface FollowedPlaceholders extends Followed {
  /** Looks at what VMs take now, and has changed what is not so any more. */
  refresh(): void;
  /** Has those of these hypervisors looked at. */
  look(hypervisors: Iterable<string>): void;
  /** VMs whose room a kubelet has not granted. */
  refused(hypervisor: string): readonly string[];
}

/** `onHypervisor` is told of one whose placeholders changed. */
export function followPlaceholders(options: {
  readonly env: Pick<Env, 'timers' | 'clock' | 'random' | 'log'>;
  readonly api: KubeApi;
  readonly sight: ClusterSight;
  readonly sources: Pick<PlaceholderSources, 'claimants' | 'shown'>;
  readonly placeholders: PlaceholderOptions;
  readonly onHypervisor: (name: string) => void;
}): FollowedPlaceholders {
  const { env, api, sight, placeholders } = options;
  const { namespace } = placeholders;
  let reservations: ReadonlyMap<string, Reservation> = new Map();
  const add = (name: string): void => followed.controller.queue.add(`${namespace}/${name}`);
  const onChange = (key: string): void => {
    const pod = followed.reflector.store.get(key);
    const hypervisor = pod === undefined ? null : hypervisorOf(pod);
    if (hypervisor !== null) options.onHypervisor(hypervisor);
  };
  const followed: Followed = follow(
    { env, api, resource: pods, namespace, workers, onChange },
    (store) => {
      const sources = { ...options.sources, sight, reservations: () => reservations };
      const reconciler = new PlaceholderReconciler({
        env,
        api,
        store,
        options: placeholders,
        sources,
      });
      return (key) => reconciler.reconcile(key);
    },
  );
  return {
    ...followed,
    refresh: () => {
      if (sight.cluster === null) return;
      const before = reservations;
      reservations = reservationsOf(sight.vms.values(), sight.cluster);
      for (const [name, one] of reservations) {
        if (!isDeepStrictEqual(before.get(name), one)) add(name);
      }
      for (const name of before.keys()) if (!reservations.has(name)) add(name);
    },
    look: (hypervisors) => {
      const looked = new Set(hypervisors);
      for (const { name, hypervisor } of reservations.values()) {
        if (looked.has(hypervisor)) add(name);
      }
    },
    refused: (hypervisor) =>
      [...reservations.values()].flatMap((one) => {
        const pod = followed.reflector.store.get(`${namespace}/${one.name}`);
        return one.hypervisor === hypervisor && pod !== undefined && hasEnded(pod) ? [one.vm] : [];
      }),
  };
}
