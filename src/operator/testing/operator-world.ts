import type { ClusterService } from '../../api/cluster-service.ts';
import type { Outcome } from '../../core/problem.ts';
import { caller, ManagerWorld, type ManagerSeat } from '../../manager/testing/manager-world.ts';
import { nodeRecord } from '../../manager/testing/test-objects.ts';
import { failovers, hypervisors, virtualMachines } from '../crd/kinds.ts';
import type { KubeAnswer, KubeObject } from '../kube/kube-api.ts';
import { objectPath } from '../kube/resource.ts';
import type { Managers } from '../managers.ts';
import { runOperator } from '../operator.ts';
import { FakeKube } from './fake-kube.ts';

type Status = Readonly<Record<string, unknown>> & {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
};

/** Shared disks and nothing else that a VM could be refused for. */
export const machine = (change: object = {}): object => ({
  memory: '1Gi',
  disks: [{ source: { sharedFile: { path: '/vms/a.qcow2' } }, format: 'Qcow2', bus: 'Virtio' }],
  ...change,
});

/** A real manager, its nodes played by the test, a fake API server, and the operator between them. */
export class OperatorWorld {
  readonly world = new ManagerWorld();
  readonly kube = new FakeKube(this.world.timers, [virtualMachines, hypervisors, failovers]);
  seat: ManagerSeat | null = null;
  /** Bends what the operator's calls to the manager are answered with. */
  bend: (answer: Outcome<never>, call: string) => Outcome<never> | null = () => null;
  #ending = new AbortController();

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
    void runOperator({ env, api: kube, managers: this.#managers() }, this.#ending.signal);
  }

  stop(): void {
    this.#ending.abort();
  }

  apply(name: string, spec: object, namespace = 'shop'): Promise<KubeAnswer> {
    return this.kube.call({
      method: 'PATCH',
      path: objectPath(virtualMachines, { namespace, name }),
      query: { fieldManager: 'kubectl', force: 'true' },
      body: { metadata: { name, namespace }, spec },
    });
  }

  remove(name: string, namespace = 'shop'): Promise<KubeAnswer> {
    const path = objectPath(virtualMachines, { namespace, name });
    return this.kube.call({ method: 'DELETE', path });
  }

  object(name: string, namespace = 'shop'): KubeObject | undefined {
    return this.kube.at(objectPath(virtualMachines, { namespace, name }));
  }

  status(name: string): Status {
    return (this.object(name)?.status ?? {}) as Status;
  }

  /** `True Accepted`. */
  condition(name: string, type: string): string {
    const found = this.status(name).conditions?.find((one) => one.type === type);
    return found === undefined ? 'absent' : `${found.status} ${found.reason}`;
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
