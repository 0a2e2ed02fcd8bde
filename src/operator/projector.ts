import type { Env } from '../env/env.ts';
import { applyObject, applyStatus, isSameJson } from './kube/apply.ts';
import { done, type Reconciled } from './kube/controller.ts';
import type { KubeApi, KubeObject } from './kube/kube-api.ts';
import type { ObjectStore } from './kube/object-store.ts';
import { objectPath, type Resource } from './kube/resource.ts';

/** What an object of a kind that only shows should be; null = it should not be there. */
export type Projection = (
  name: string,
  before: KubeObject | undefined,
) => { readonly spec: unknown; readonly status: unknown } | null;

/** Keeps objects that nobody but the operator writes as what they show is. */
export class Projector {
  readonly #api: KubeApi;
  readonly #resource: Resource;
  readonly #store: Pick<ObjectStore, 'get'>;
  readonly #project: Projection;
  /** Nothing is removed on the word of an old view. */
  readonly #mayRemove: () => boolean;
  readonly #env: Pick<Env, 'log'>;

  constructor(options: {
    readonly env: Pick<Env, 'log'>;
    readonly api: KubeApi;
    readonly resource: Resource;
    readonly store: Pick<ObjectStore, 'get'>;
    readonly project: Projection;
    readonly mayRemove: () => boolean;
  }) {
    this.#env = options.env;
    this.#api = options.api;
    this.#resource = options.resource;
    this.#store = options.store;
    this.#project = options.project;
    this.#mayRemove = options.mayRemove;
  }

  async reconcile(name: string): Promise<Reconciled> {
    const before = this.#store.get(name);
    const wanted = this.#project(name, before);
    if (wanted === null) {
      if (before !== undefined && this.#mayRemove()) await this.#remove(name);
      return done;
    }
    const object = before ?? (await this.#create(name, wanted.spec));
    if (isSameJson(object.status, wanted.status)) return done;
    const answer = await applyStatus(this.#api, this.#resource, object, wanted.status);
    if (answer.kind === 'failed') throw new Error(answer.failure.message);
    return done;
  }

  async #create(name: string, spec: unknown): Promise<KubeObject> {
    const answer = await applyObject(this.#api, this.#resource, { name, spec });
    if (answer.kind === 'failed') throw new Error(answer.failure.message);
    return answer.body as KubeObject;
  }

  async #remove(name: string): Promise<void> {
    this.#env.log.info({ name, kind: this.#resource.kind }, 'what an object showed is gone');
    const path = objectPath(this.#resource, { name });
    const answer = await this.#api.call({ method: 'DELETE', path });
    if (answer.kind === 'failed' && answer.failure.kind !== 'notFound') {
      throw new Error(answer.failure.message);
    }
  }
}
