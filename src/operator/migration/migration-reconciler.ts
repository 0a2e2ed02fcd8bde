import {
  migrationSpecSchema,
  type MigrationSpec,
  type MigrationStatus,
} from '../../api/schema/kubernetes/migration.ts';
import { capitalised } from '../../api/schema/kubernetes/kube-form.ts';
import type { MoveVm } from '../../api/schema/requests.ts';
import type { VmView } from '../../api/schema/views.ts';
import type { Env } from '../../env/env.ts';
import type { ClusterSight } from '../cluster-sight.ts';
import { conditionsOf } from '../conditions.ts';
import { migrations } from '../crd/kinds.ts';
import { applyFinalizers, applyStatus, isSameJson } from '../kube/apply.ts';
import { again, done, type Reconciled } from '../kube/controller.ts';
import type { KubeApi, KubeObject } from '../kube/kube-api.ts';
import type { ObjectStore } from '../kube/object-store.ts';
import { settled } from '../kube/settled.ts';
import type { Managers } from '../managers.ts';
import {
  accepted,
  afterProblem,
  followUpMs,
  invalidSpec,
  isUnreached,
  notReached,
  refused,
  refusedMs,
  said,
  type Pushed,
  type Sync,
} from '../pushed.ts';
import { vmNameOf } from '../vm/vm-name.ts';

/** Held while the move could still be called off. */
export const migrationFinalizer = 'kennel.dev/migration';

/** What is known of a move, without its conditions. */
type Course = Omit<MigrationStatus, 'conditions' | 'observedGeneration'>;

interface Step extends Pushed {
  readonly course: Course;
}

/**
 * Asks Kennel once for the move of each Migration, and shows what becomes of it. Who had the VM is written
 * before it is asked for, so that an operator that ends in between does not move what has moved.
 */
export class MigrationReconciler {
  readonly #env: Pick<Env, 'clock'>;
  readonly #api: KubeApi;
  readonly #store: Pick<ObjectStore, 'get'>;
  readonly #managers: Managers;
  readonly #sight: ClusterSight;

  constructor(options: {
    readonly env: Pick<Env, 'clock'>;
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
    if (object === undefined) return done;
    if (object.metadata.deletionTimestamp !== undefined) return this.#callOff(object);
    const status = (object.status ?? {}) as MigrationStatus;
    if (isOver(status)) {
      // It may be deleted without us from now on.
      if (isHeld(object)) settled(await applyFinalizers(this.#api, migrations, object, []));
      return done;
    }
    if (this.#sight.cluster === null) return again(followUpMs);
    if (!isHeld(object)) {
      const held = await applyFinalizers(this.#api, migrations, object, [migrationFinalizer]);
      if (!settled(held)) return done;
    }
    const { course, sync, next } = await this.#step(object, status);
    await this.#show(object, course, sync);
    return next;
  }

  async #step(object: KubeObject, status: MigrationStatus): Promise<Step> {
    const { conditions: _, observedGeneration: __, ...course } = status;
    const checked = migrationSpecSchema.safeParse(object.spec);
    if (!checked.success) return { ...invalidSpec(checked.error), course: this.#failed(course) };
    const name = vmNameOf(object.metadata.namespace ?? '', checked.data.vmName);
    const vm = this.#sight.vms.get(name);
    if (vm === undefined) return this.#withoutVm(checked.data, course);
    if (course.acceptedAt !== undefined) return this.#follow(vm, course);
    return this.#ask(object, vm, checked.data, course);
  }

  #withoutVm({ vmName }: MigrationSpec, course: Course): Step {
    if (!this.#sight.isCurrent) {
      return { ...notReached('the managers do not answer'), course };
    }
    const sync = refused('NotCreated', `there is no VM of ${vmName}`);
    return course.acceptedAt === undefined
      ? { sync, next: again(refusedMs), course: { ...course, phase: 'Pending' } }
      : { sync, next: done, course: this.#failed(course) };
  }

  async #ask(object: KubeObject, seen: VmView, spec: MigrationSpec, known: Course): Promise<Step> {
    let vm = seen;
    if (known.from !== undefined) {
      // It was to be asked for before: if the answer was lost, it is on its way, or there by now.
      const fresh = await this.#managers.vm(vm.name);
      if (fresh.kind === 'problem') return { ...afterProblem(fresh), course: known };
      vm = fresh.value;
      if (vm.move !== null || vm.permit?.token !== known.token) {
        this.#sight.learn(vm);
        return this.#follow(vm, { ...known, acceptedAt: this.#now() });
      }
    }
    const { permit } = vm;
    if (permit === null) {
      const sync = refused('Conflict', `it is ${vm.state}, and only what runs is moved`);
      return { sync, next: done, course: this.#failed(known) };
    }
    let course: Course = known;
    if (known.from === undefined) {
      course = { phase: 'Pending', from: permit.node, token: permit.token };
      const asking: Sync = { status: 'Unknown', reason: 'NotYet', message: '' };
      // Only then is it asked for; a try that the server did not take is made again.
      if (!(await this.#show(object, course, asking))) return { sync: asking, next: done, course };
    }
    const answer = await this.#managers.moveVm(vm.name, bodyOf(spec), {
      reason: `Migration ${object.metadata.namespace ?? ''}/${object.metadata.name}`,
    });
    if (answer.kind === 'ok') {
      this.#sight.learn(answer.value);
      return this.#follow(answer.value, { ...course, acceptedAt: this.#now() });
    }
    const pushed = afterProblem(answer);
    return isUnreached(answer.problem)
      ? { ...pushed, course }
      : { sync: pushed.sync, next: done, course: this.#failed(course) };
  }

  #follow(vm: VmView, course: Course): Step {
    const { move, permit, reason } = vm;
    if (permit !== null && permit.node !== course.from && permit.token !== course.token) {
      const ended: Course = {
        ...course,
        phase: 'Succeeded',
        to: permit.node,
        endedAt: this.#now(),
      };
      return { sync: accepted, next: done, course: ended };
    }
    if (move === null && permit !== null) {
      const message = `it is still on ${permit.node}${reason === null ? '' : `: ${reason}`}`;
      return { sync: { ...accepted, message }, next: done, course: this.#failed(course) };
    }
    const to = move?.to ?? null;
    const running: Course = {
      ...course,
      phase:
        move?.phase === 'preparing' ? 'Preparing' : move?.phase == null ? 'Pending' : 'Running',
      ...(to === null ? {} : { to }),
    };
    return { sync: { ...accepted, message: reason ?? '' }, next: done, course: running };
  }

  /** What is under way is called off; once it is handed over, it stays there. */
  async #callOff(object: KubeObject): Promise<Reconciled> {
    if (!isHeld(object)) return done;
    const status = (object.status ?? {}) as MigrationStatus;
    const { vmName } = (object.spec ?? {}) as Partial<MigrationSpec>;
    if (status.acceptedAt !== undefined && !isOver(status) && vmName !== undefined) {
      const name = vmNameOf(object.metadata.namespace ?? '', vmName);
      const token = this.#sight.vms.get(name)?.permit?.token;
      if (token === status.token) {
        const answer = await this.#managers.cancelMove(name, {
          reason: `Migration ${object.metadata.namespace ?? ''}/${object.metadata.name} is deleted`,
        });
        if (answer.kind === 'ok') this.#sight.learn(answer.value);
        else if (isUnreached(answer.problem)) throw new Error(said(answer.problem));
      }
    }
    settled(await applyFinalizers(this.#api, migrations, object, []));
    return done;
  }

  #failed(course: Course): Course {
    return { ...course, phase: 'Failed', endedAt: this.#now() };
  }

  #now(): string {
    return this.#env.clock.wallIso().replace(/\.\d+Z$/, 'Z');
  }

  /** False when the object is another one by now. */
  async #show(object: KubeObject, course: Course, sync: Sync): Promise<boolean> {
    const before = (object.status ?? {}) as MigrationStatus;
    const { generation } = object.metadata;
    const verdicts = [{ type: 'Synced', ...sync }];
    const nowIso = this.#env.clock.wallIso();
    const status: MigrationStatus = {
      ...course,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      conditions: conditionsOf(verdicts, before.conditions ?? [], { generation, nowIso }),
    };
    if (isSameJson(object.status, status)) return true;
    return settled(await applyStatus(this.#api, migrations, object, status));
  }
}

const isHeld = ({ metadata }: KubeObject): boolean =>
  (metadata.finalizers ?? []).includes(migrationFinalizer);
const isOver = ({ phase }: MigrationStatus): boolean => phase === 'Succeeded' || phase === 'Failed';

function bodyOf(spec: MigrationSpec): MoveVm {
  const { targetHypervisor, way, bandwidthMiBs, autoConverge, deadlineMs } = spec;
  const ways = ['live', 'cold', 'liveOrCold'] as const;
  return {
    to: targetHypervisor ?? null,
    way: ways.find((one) => capitalised(one) === way) ?? 'live',
    limits: { bandwidthMiBs: bandwidthMiBs ?? null, autoConverge, deadlineMs },
  };
}
