import type { ClusterService } from '../../api/cluster-service.ts';
import type { Outcome } from '../../core/problem.ts';
import { caller, ManagerWorld, type ManagerSeat } from '../../manager/testing/manager-world.ts';
import { nodeRecord } from '../../manager/testing/test-objects.ts';
import { kinds, virtualMachines } from '../crd/kinds.ts';
import type { KubeAnswer, KubeObject } from '../kube/kube-api.ts';
import { listPath, objectPath, type Resource } from '../kube/resource.ts';
import { kubeNodes } from '../kube-node/kube-node.ts';
import type { Managers } from '../managers.ts';
import { runOperator } from '../operator.ts';
import { pods, type PlaceholderOptions } from '../placeholder/placeholder-pod.ts';
import { FakeKube } from './fake-kube.ts';

type Status = Readonly<Record<string, unknown>> & {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
};

interface Where {
  readonly name: string;
  readonly namespace?: string;
}

export const statusOf = (object: KubeObject | undefined): Status =>
  (object?.status ?? {}) as Status;

/** `True Accepted`. */
export function conditionOf(object: KubeObject | undefined, type: string): string {
  const found = statusOf(object).conditions?.find((one) => one.type === type);
  return found === undefined ? 'absent' : `${found.status} ${found.reason}`;
}

/** Shared disks and nothing else that a VM could be refused for. */
export const machine = (change: object = {}): object => ({
  memory: '1Gi',
  disks: [{ source: { sharedFile: { path: '/vms/a.qcow2' } }, format: 'Qcow2', bus: 'Virtio' }],
  ...change,
});

/** A real manager, its nodes played by the test, a fake API server, and the operator between them. */
export class OperatorWorld {
  readonly world = new ManagerWorld();
  readonly kube: FakeKube;
  seat: ManagerSeat | null = null;
  /** Who commands beside the operator. */
  readonly admin = caller();
  /** Bends what the operator's calls to the manager are answered with. */
  bend: (answer: Outcome<never>, call: string) => Outcome<never> | null = () => null;
  /** Of the operators that are run from now on. */
  placeholders: PlaceholderOptions | null = null;
  #ending = new AbortController();

  /** `seesNodes` false: as where the operator has no right to. */
  constructor(options: { readonly seesNodes: boolean } = { seesNodes: true }) {
    const served = options.seesNodes ? [...kinds, kubeNodes, pods] : kinds;
    this.kube = new FakeKube(this.world.timers, served);
  }

  async start(nodes: readonly string[] = ['node-1', 'node-2']): Promise<void> {
    await this.world.seed(...nodes.map((name) => nodeRecord(name)));
    for (const name of nodes) this.world.fencing.add(name);
    this.seat = await this.world.lead();
    this.run();
  }

  /** Starts an operator; one that ran before is ended. */
  run(): void {
    this.#ending.abort();
    this.#ending = new AbortController();
    const { world, kube } = this;
    const { env } = world.managerEnv('operator');
    const { placeholders } = this;
    void runOperator(
      { env, api: kube, managers: this.#managers(), placeholders },
      this.#ending.signal,
    );
  }

  stop(): void {
    this.#ending.abort();
  }

  apply(name: string, spec: object, namespace = 'shop'): Promise<KubeAnswer> {
    return this.put(virtualMachines, { namespace, name }, spec);
  }

  /** Of any kind, as kubectl does it. */
  put(resource: Resource, where: Where, spec: object): Promise<KubeAnswer> {
    return this.kube.call({
      method: 'PATCH',
      path: objectPath(resource, where),
      query: { fieldManager: 'kubectl', force: 'true' },
      body: { metadata: where, spec },
    });
  }

  remove(name: string, namespace = 'shop'): Promise<KubeAnswer> {
    return this.drop(virtualMachines, { namespace, name });
  }

  drop(resource: Resource, where: Where): Promise<KubeAnswer> {
    return this.kube.call({ method: 'DELETE', path: objectPath(resource, where) });
  }

  /** A Node as its kubelet registers it. */
  async kubeNode(
    name: string,
    options: { readonly bootId: string; readonly labels?: Readonly<Record<string, string>> },
  ): Promise<void> {
    const { bootId, labels = {} } = options;
    await this.kube.call({
      method: 'POST',
      path: listPath(kubeNodes),
      body: { metadata: { name, labels }, spec: {}, status: { nodeInfo: { bootID: bootId } } },
    });
  }

  /** A change of an object by somebody else, at the version that it has now. */
  async change(resource: Resource, where: Where, patch: object): Promise<void> {
    const answer = await this.kube.call({
      method: 'PATCH',
      path: objectPath(resource, where),
      contentType: 'application/merge-patch+json',
      body: patch,
    });
    if (answer.kind === 'failed') throw new Error(answer.failure.message);
  }

  object(name: string, namespace = 'shop'): KubeObject | undefined {
    return this.find(virtualMachines, { namespace, name });
  }

  find(resource: Resource, where: Where): KubeObject | undefined {
    return this.kube.at(objectPath(resource, where));
  }

  status(name: string): Status {
    return statusOf(this.object(name));
  }

  /** `True Accepted`. */
  condition(name: string, type: string): string {
    return conditionOf(this.object(name), type);
  }

  until(condition: () => boolean, withinMs?: number): Promise<void> {
    return this.world.until(condition, withinMs);
  }

  #managers(): Managers {
    const service = (): ClusterService => {
      if (this.seat === null) throw new Error('there is no manager');
      return this.seat.manager.service;
    };
    const bent =
      <A extends readonly unknown[], T>(name: string, call: (...args: A) => Promise<Outcome<T>>) =>
      async (...args: A): Promise<Outcome<T>> => {
        const answer = await call(...args);
        return (this.bend(answer as Outcome<never>, name) as Outcome<T> | null) ?? answer;
      };
    const who = caller();
    return {
      status: bent('status', () => service().status()),
      failovers: bent('failovers', () => service().failovers()),
      vm: bent('vm', (name) => service().vm(name)),
      maintenance: bent('maintenance', () => service().maintenance.ls()),
      maintainNode: bent('maintainNode', (node, body, options) =>
        service().maintenance.change(node, body, { ...who, reason: options?.reason ?? null }),
      ),
      moveVm: bent('moveVm', (vm, body) => service().moveVm(vm, body, who)),
      cancelMove: bent('cancelMove', (vm) => service().cancelMove(vm, who)),
      createVm: bent('createVm', (body) => service().createVm(body, who)),
      editVm: bent('editVm', (vm, body) => service().vmVerbs.edit(vm, body, who)),
      startVm: bent('startVm', (vm) => service().startVm(vm, who)),
      stopVm: bent('stopVm', (vm, body) => service().stopVm(vm, body, who)),
      disableVm: bent('disableVm', (vm, body) => service().disableVm(vm, body, who)),
      ignoreVm: bent('ignoreVm', (vm) => service().ignoreVm(vm, who)),
      forgetVm: bent('forgetVm', (vm) => service().forgetVm(vm, who)),
      deleteVm: bent('deleteVm', (vm) => service().deleteVm(vm, who)),
      watch: (onEvent, signal) =>
        new Promise((resolve) => {
          const stop = service().watchEvents(0, onEvent);
          const end = (): void => {
            stop();
            resolve();
          };
          if (signal.aborted) end();
          else signal.addEventListener('abort', end, { once: true });
        }),
    };
  }
}
