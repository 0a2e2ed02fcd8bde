import { isDeepStrictEqual } from 'node:util';
import { brokenTransitions } from '../../api/schema/kubernetes/rule.ts';
import {
  statusTransitions,
  virtualMachineSpecSchema,
  type VirtualMachineSpec,
  type VirtualMachineStatus,
} from '../../api/schema/kubernetes/virtual-machine.ts';
import type { VmView } from '../../api/schema/views.ts';
import type { Outcome } from '../../core/problem.ts';
import type { Env } from '../../env/env.ts';
import type { ClusterSight } from '../cluster-sight.ts';
import { virtualMachines } from '../crd/kinds.ts';
import { applyFinalizers, applyStatus } from '../kube/apply.ts';
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
  notReached,
  refused,
  said,
  wasTaken,
  type Pushed,
  type Sync,
} from '../pushed.ts';
import { vmNameOfObject } from './vm-name.ts';
import { desiredOf, vmSpecOf } from './vm-spec.ts';
import { isWorthWriting, vmStatus } from './vm-status.ts';

/** Held until Kennel no longer knows the VM, which it forgets once its agent confirmed or a proof covers it. */
export const domainFinalizer = 'kennel.dev/domain';

/** Brings one VirtualMachine's wish to Kennel, and what Kennel says of its VM back. */
export class VmReconciler {
  readonly #env: Pick<Env, 'clock' | 'log'>;
  readonly #api: KubeApi;
  readonly #store: Pick<ObjectStore, 'get'>;
  readonly #managers: Managers;
  readonly #sight: ClusterSight;

  constructor(options: {
    readonly env: Pick<Env, 'clock' | 'log'>;
    readonly api: KubeApi;
    readonly store: Pick<ObjectStore, 'get'>;
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
    // An object that is missing deletes nothing: it may have been lost with a store of Kubernetes.
    if (object === undefined) return done;
    if (object.metadata.deletionTimestamp !== undefined) return this.#remove(object);
    const cluster = this.#sight.cluster;
    if (cluster === null) return again(followUpMs);
    if (!(object.metadata.finalizers ?? []).includes(domainFinalizer)) {
      // Before anything is made that it would have to clean up.
      const held = await applyFinalizers(this.#api, virtualMachines, object, [domainFinalizer]);
      if (!settled(held)) return done;
    }
    const name = vmNameOfObject(object);
    const { sync, next } = await this.#push(object, name);
    await this.#show(object, name, sync);
    return next;
  }

  /** The finalizer goes when the leader knows no such VM; what is only missing in a view proves nothing. */
  async #remove(object: KubeObject): Promise<Reconciled> {
    if (!(object.metadata.finalizers ?? []).includes(domainFinalizer)) return done;
    const name = vmNameOfObject(object);
    const isIgnored = this.#sight.vms.get(name)?.desired === 'ignored';
    const asked = isIgnored
      ? await this.#managers.forgetVm(name)
      : await this.#managers.deleteVm(name, {
          reason: `its VirtualMachine ${object.metadata.namespace ?? ''}/${object.metadata.name} is deleted`,
        });
    if (asked.kind === 'ok') this.#sight.learn(asked.value);
    if (asked.kind === 'problem' && asked.problem.code === 'E_NOT_FOUND') {
      settled(await applyFinalizers(this.#api, virtualMachines, object, []));
      return done;
    }
    const message = asked.kind === 'ok' ? 'it is stopped and then forgotten' : said(asked.problem);
    await this.#show(object, name, { status: 'True', reason: 'Deleting', message });
    return again(followUpMs);
  }

  async #push(object: KubeObject, name: string): Promise<Pushed> {
    const checked = virtualMachineSpecSchema.safeParse(object.spec);
    if (!checked.success) return invalidSpec(checked.error);
    const spec = checked.data;
    const vm = this.#sight.vms.get(name);
    return vm === undefined
      ? this.#create(object, name, spec)
      : this.#compare(object, { vm, spec });
  }

  async #create(object: KubeObject, name: string, spec: VirtualMachineSpec): Promise<Pushed> {
    if (!this.#sight.isCurrent) return notReached('the managers do not answer');
    const created = await this.#managers.createVm({
      id: spec.uuid ?? object.metadata.uid,
      spec: vmSpecOf(spec, name),
      desired: desiredOf(spec),
      node: null,
    });
    if (created.kind === 'ok') {
      this.#sight.learn(created.value);
      return { sync: accepted, next: done };
    }
    // Made by a try whose answer was lost, or by an operator before this one: the next look shows it.
    if (created.problem.code === 'E_NAME_TAKEN') return notReached('it is there already');
    return afterProblem(created);
  }

  async #compare(
    object: KubeObject,
    { vm, spec }: { readonly vm: VmView; readonly spec: VirtualMachineSpec },
  ): Promise<Pushed> {
    if (spec.uuid !== undefined && spec.uuid !== vm.id) {
      return {
        sync: refused('UuidTaken', `the VM ${vm.name} has the UUID ${vm.id}`),
        next: done,
      };
    }
    const edited = await this.#edit(object, vm, spec);
    if (edited !== null) return edited;
    const desired = desiredOf(spec);
    if (desired === vm.desired) return { sync: accepted, next: done };
    if (wasTaken(object)) return changedElsewhere(`it was made ${vm.desired} by a command`);
    const answered = await this.#want(vm.name, desired);
    if (answered.kind === 'problem') return afterProblem(answered);
    this.#sight.learn(answered.value);
    return { sync: accepted, next: done };
  }

  /** Makes the spec what the object says. Null = it is so; else what stands against it. */
  async #edit(object: KubeObject, vm: VmView, spec: VirtualMachineSpec): Promise<Pushed | null> {
    const latest = vm.staged ?? vm.spec;
    const wanted = { ...vmSpecOf(spec, vm.name), ...unspoken(latest) };
    const changed = Object.entries(wanted).flatMap(([field, value]) =>
      isDeepStrictEqual(plain(value), plain(latest[field as keyof typeof wanted])) ? [] : [field],
    );
    if (changed.length === 0) return null;
    if (wasTaken(object)) return changedElsewhere(`${changed.join(', ')} changed by a command`);
    const body = { spec: { ...latest, ...wanted }, before: latest };
    const answered = await this.#managers.editVm(vm.name, body, {
      reason: 'its VirtualMachine was changed',
    });
    if (answered.kind === 'problem') return afterProblem(answered);
    this.#sight.learn(answered.value.vm);
    return null;
  }

  #want(name: string, desired: VmView['desired']): Promise<Outcome<VmView>> {
    const how = { force: false, reason: 'its VirtualMachine was changed' };
    switch (desired) {
      case 'running':
        return this.#managers.startVm(name);
      case 'stopped':
        return this.#managers.stopVm(name, how);
      case 'disabled':
        return this.#managers.disableVm(name, how);
      case 'ignored':
        return this.#managers.ignoreVm(name);
      default:
        return desired satisfies never;
    }
  }

  async #show(object: KubeObject, name: string, sync: Sync): Promise<void> {
    const cluster = this.#sight.cluster;
    if (cluster === null) return;
    const vm = this.#sight.vms.get(name) ?? null;
    const node = vm?.node == null ? null : (this.#sight.nodes.get(vm.node) ?? null);
    const before = object.status as VirtualMachineStatus | undefined;
    const made = vmStatus(object, { ...cluster, vm, node }, sync, this.#env.clock.wallIso());
    if (!isWorthWriting(before, made)) return;
    const broken = brokenTransitions(statusTransitions, before ?? {}, made);
    if (broken.length > 0) throw new Error(`a status is not written: ${broken.join('; ')}`);
    settled(await applyStatus(this.#api, virtualMachines, object, made));
  }
}

/** What objects have no field for stays as people made it. */
const unspoken = ({ separateFrom }: VmView['spec']) => ({ separateFrom });

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
