import type { FailoverView } from '../api/schema/views.ts';
import type { HypervisorStatus } from '../api/schema/kubernetes/hypervisor.ts';
import type { MigrationSpec } from '../api/schema/kubernetes/migration.ts';
import type { NodeMaintenanceSpec } from '../api/schema/kubernetes/node-maintenance.ts';
import type { Env } from '../env/env.ts';
import { ClusterSight } from './cluster-sight.ts';
import {
  failovers,
  hypervisors,
  migrations,
  nodeMaintenances,
  virtualMachines,
} from './crd/kinds.ts';
import { failoverSpec, failoverStatus, isShown } from './failover/failover-object.ts';
import { hypervisorStatus } from './hypervisor/hypervisor-status.ts';
import { follow } from './kube/follow.ts';
import type { KubeApi, KubeObject } from './kube/kube-api.ts';
import { linkedAbort } from './kube/pause.ts';
import { keyOf, type Resource } from './kube/resource.ts';
import { followKubeNodes } from './kube-node/follow-nodes.ts';
import { MaintenanceReconciler } from './maintenance/maintenance-reconciler.ts';
import type { Managers } from './managers.ts';
import { MigrationReconciler } from './migration/migration-reconciler.ts';
import { followPlaceholders } from './placeholder/follow-placeholders.ts';
import type { PlaceholderOptions } from './placeholder/placeholder-pod.ts';
import { Projector, type Projection } from './projector.ts';
import { vmNameOf, vmNameOfObject } from './vm/vm-name.ts';
import { VmReconciler } from './vm/vm-reconciler.ts';

/** Objects that are looked at side by side. */
const vmWorkers = 8;
const projectionWorkers = 2;
const wishWorkers = 2;

type OperatorEnv = Pick<Env, 'timers' | 'clock' | 'random' | 'log'>;

/**
 * Shows Kubernetes what Kennel does, and tells Kennel what its objects ask for, until the signal fires.
 * Nothing rests on it: with it, or the API server, gone, Kennel goes on, and what is shown follows later.
 */
export async function runOperator(
  options: {
    readonly env: OperatorEnv;
    readonly api: KubeApi;
    readonly managers: Managers;
    /** Null = what VMs take is not told to the scheduler. */
    readonly placeholders: PlaceholderOptions | null;
  },
  signal: AbortSignal,
): Promise<void> {
  const { env, api, managers } = options;
  const sight = new ClusterSight(env, managers);
  /** Objects by the name of their VM. */
  const vmKeys = new Map<string, string>();
  const vms = follow({ env, api, resource: virtualMachines, workers: vmWorkers }, (store) => {
    const reconciler = new VmReconciler({ env, api, store, managers, sight });
    return (key) => {
      const object = store.get(key);
      if (object !== undefined) vmKeys.set(vmNameOfObject(object), key);
      return reconciler.reconcile(key);
    };
  });
  const maintenances = follow(
    { env, api, resource: nodeMaintenances, workers: wishWorkers },
    (store) => {
      const reconciler = new MaintenanceReconciler({ env, api, store, managers, sight });
      return (key) => reconciler.reconcile(key);
    },
  );
  const moves = follow({ env, api, resource: migrations, workers: wishWorkers }, (store) => {
    const reconciler = new MigrationReconciler({ env, api, store, managers, sight });
    return (key) => reconciler.reconcile(key);
  });
  const shown = (resource: Resource, project: Projection) =>
    follow({ env, api, resource, workers: projectionWorkers }, (store) => {
      const mayRemove = (): boolean => sight.isCurrent;
      const projector = new Projector({ env, api, resource, store, project, mayRemove });
      return (name) => projector.reconcile(name);
    });
  const machines = followKubeNodes({
    env,
    api,
    sight,
    onHypervisors: (names) => {
      const hypervisorNames = [...names];
      for (const name of hypervisorNames) nodes.controller.queue.add(name);
      placeholders?.look(hypervisorNames);
    },
  });
  const nodes = shown(hypervisors, (name, before) => {
    const node = sight.nodes.get(name);
    if (node === undefined || sight.cluster === null) return null;
    const known = (before?.status ?? {}) as HypervisorStatus;
    const { clusterId } = sight.cluster;
    const claimants = machines.claimants(name);
    const unreserved = placeholders?.refused(name) ?? null;
    const kube = claimants === null ? null : { claimants, unreserved };
    const status = hypervisorStatus(node, clusterId, known, env.clock.wallIso(), kube);
    return { spec: undefined, status };
  });
  const placeholders =
    options.placeholders === null
      ? null
      : followPlaceholders({
          env,
          api,
          sight,
          placeholders: options.placeholders,
          sources: {
            claimants: (name) => machines.claimants(name),
            shown: (name) => nodes.reflector.store.get(name),
          },
          onHypervisor: (name) => nodes.controller.queue.add(name),
        });
  const records = shown(failovers, (name) => failoverOf(sight.failovers.get(name), sight, env));
  const every = [vms, maintenances, moves, nodes, records];
  sight.listen({
    onVms: (names) => {
      placeholders?.refresh();
      for (const name of names) {
        const key = vmKeys.get(name);
        if (key !== undefined) vms.controller.queue.add(key);
      }
      const changed = new Set(names);
      for (const object of moves.reflector.store.values()) {
        if (changed.has(movedVmOf(object))) moves.controller.queue.add(keyOf(object));
      }
    },
    onMaintenance: (names) => {
      const changed = new Set(names);
      for (const object of maintenances.reflector.store.values()) {
        const { nodeName } = (object.spec ?? {}) as Partial<NodeMaintenanceSpec>;
        if (nodeName !== undefined && changed.has(nodeName)) {
          maintenances.controller.queue.add(keyOf(object));
        }
      }
    },
    onNodes: (names) => {
      for (const name of names) nodes.controller.queue.add(name);
      machines.look(names);
      placeholders?.look(names);
      // What a VM waits for is said by its node.
      const changed = new Set(names);
      for (const vm of sight.vms.values()) {
        const key = vm.node !== null && changed.has(vm.node) ? vmKeys.get(vm.name) : undefined;
        if (key !== undefined) vms.controller.queue.add(key);
      }
    },
    onFailovers: (names) => {
      for (const name of names) records.controller.queue.add(name);
    },
  });
  const { controller: ending, unlink } = linkedAbort(signal);
  const all = [...every, machines, ...(placeholders === null ? [] : [placeholders])];
  const reflecting = all.map(({ reflector }) => reflector.run(ending.signal));
  // Whoever works on half a list takes what is not there yet for missing. Nodes may be hidden from us.
  const synced = Promise.all(every.map(({ reflector }) => reflector.synced));
  const aborted = new Promise<void>((resolve) => {
    if (ending.signal.aborted) resolve();
    else ending.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([synced, aborted]);
  await Promise.all([
    ...reflecting,
    sight.run(ending.signal),
    ...all.map(({ controller }) => controller.run(ending.signal)),
  ]);
  unlink();
}

function movedVmOf({ metadata, spec }: KubeObject): string {
  return vmNameOf(metadata.namespace ?? '', ((spec ?? {}) as Partial<MigrationSpec>).vmName ?? '');
}

function failoverOf(
  record: FailoverView | undefined,
  { cluster }: ClusterSight,
  { clock }: OperatorEnv,
): ReturnType<Projection> {
  if (record === undefined || cluster === null || !isShown(record, clock.wallIso())) return null;
  return { spec: failoverSpec(record, cluster.clusterId), status: failoverStatus(record) };
}
