import { isDeepStrictEqual } from 'node:util';
import type { Timers } from '../../env/env.ts';
import type {
  KubeAnswer,
  KubeApi,
  KubeFailure,
  KubeObject,
  KubeRequest,
  WatchEnd,
} from '../kube/kube-api.ts';
import { listPath, type Resource } from '../kube/resource.ts';
import { merged, without } from './field-ownership.ts';
import { mergePatch } from './merge-patch.ts';

type Json = Record<string, unknown>;

interface Stored {
  readonly object: KubeObject & Json;
  /** What each field manager applied last. */
  readonly applied: ReadonlyMap<string, Json>;
}

interface Event {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: Resource;
  readonly object: KubeObject & Json;
}

interface Watcher {
  readonly resource: Resource;
  /** Null = of all. */
  readonly namespace: string | null;
  send(event: unknown): void;
  end(how: WatchEnd): void;
}

const bookmarkMs = 60_000;

const failed = (kind: Exclude<KubeFailure['kind'], 'throttled'>, message: string): KubeAnswer => ({
  kind: 'failed',
  failure: { kind, message },
});

/**
 * An API server as far as the operator knows one: versions, generations, finalizers, the status
 * subresource, server-side apply, watches with bookmarks and compaction. The suite of `test/kube` holds
 * the same against a real one; where they differ, this one is wrong.
 */
export class FakeKube implements KubeApi {
  /** Requests other than GET, as they came. */
  readonly writes: KubeRequest[] = [];
  /** Every list and watch that was asked for. */
  readonly reads: KubeRequest[] = [];
  /** Failures that the next lists (or gets) meet, in order. */
  readonly nextReadFailures: KubeFailure[] = [];
  /** Ends that the next watches meet at once, in order. */
  readonly nextWatchEnds: WatchEnd[] = [];
  isDown = false;
  /** Whose change is made, and its answer lost. */
  losesAnswerOf: (request: KubeRequest) => boolean = () => false;
  sendsBookmarks = true;
  /** Watches are told nothing of what happens. */
  stallsWatches = false;
  /** Objects per page at most; a client may ask for fewer. */
  pageSize = Infinity;
  readonly #timers: Timers;
  readonly #resources: readonly Resource[];
  readonly #stored = new Map<string, Stored>();
  readonly #events: Event[] = [];
  readonly #watchers = new Set<Watcher>();
  #version = 100;
  #compactedTo = 0;
  #uids = 0;

  constructor(timers: Timers, resources: readonly Resource[]) {
    this.#timers = timers;
    this.#resources = resources;
  }

  get openWatches(): number {
    return this.#watchers.size;
  }

  /** The object under a path, or undefined. */
  at(path: string): (KubeObject & Json) | undefined {
    return this.#stored.get(path)?.object;
  }

  /** All objects of a kind. */
  all(resource: Resource): readonly (KubeObject & Json)[] {
    return [...this.#stored].flatMap(([path, { object }]) =>
      under(path, resource) === null ? [] : [object],
    );
  }

  /** Makes every watch from before now meet 410. */
  compact(): void {
    this.#compactedTo = this.#version;
  }

  /** Ends all watches the same way. */
  endWatches(how: WatchEnd = { kind: 'closed', droppedBytes: 0 }): void {
    for (const watcher of this.#watchers) watcher.end(how);
  }

  /** Sends something to all watches that is no event of an object. */
  sendToWatches(event: unknown): void {
    for (const watcher of this.#watchers) watcher.send(event);
  }

  call(request: KubeRequest): Promise<KubeAnswer> {
    return Promise.resolve(this.#answer(request));
  }

  watch(
    request: Pick<KubeRequest, 'path' | 'query'>,
    onEvent: (event: unknown) => void,
    signal: AbortSignal,
  ): Promise<WatchEnd> {
    this.reads.push({ method: 'GET', ...request });
    const resource = this.#resources.find((one) => under(request.path, one)?.name === null);
    const namespace = resource === undefined ? null : under(request.path, resource)?.namespace;
    const planned = this.nextWatchEnds.shift();
    if (planned !== undefined) return Promise.resolve(planned);
    if (this.isDown || resource === undefined) {
      return Promise.resolve({
        kind: 'failed',
        failure: { kind: this.isDown ? 'transport' : 'notFound', message: 'no such thing' },
      });
    }
    const from = Number(request.query?.['resourceVersion'] ?? 0);
    return new Promise((resolve) => {
      const end = (how: WatchEnd): void => {
        this.#watchers.delete(watcher);
        bookmark.cancel();
        timeout.cancel();
        signal.removeEventListener('abort', aborted);
        resolve(how);
      };
      const watcher: Watcher = { resource, namespace: namespace ?? null, send: onEvent, end };
      const aborted = (): void =>
        end({ kind: 'failed', failure: { kind: 'transport', message: 'aborted' } });
      const arm = () =>
        this.#timers.after(bookmarkMs, () => {
          if (this.sendsBookmarks) onEvent(this.#bookmark());
          bookmark = arm();
        });
      let bookmark = arm();
      const timeoutMs = Number(request.query?.['timeoutSeconds'] ?? 600) * 1000;
      const timeout = this.#timers.after(timeoutMs, () => end({ kind: 'closed', droppedBytes: 0 }));
      signal.addEventListener('abort', aborted, { once: true });
      this.#watchers.add(watcher);
      if (from < this.#compactedTo) {
        onEvent({ type: 'ERROR', object: { code: 410, message: 'too old resource version' } });
        if (!signal.aborted) end({ kind: 'closed', droppedBytes: 0 });
        return;
      }
      for (const event of this.#events) {
        if (event.version > from && isWatched(event, watcher)) {
          onEvent({ type: event.type, object: event.object });
        }
      }
    });
  }

  #bookmark(): unknown {
    return { type: 'BOOKMARK', object: { metadata: { resourceVersion: String(this.#version) } } };
  }

  #answer(request: KubeRequest): KubeAnswer {
    const answer = this.#carryOut(request);
    if (request.method === 'GET' || !this.losesAnswerOf(request)) return answer;
    return failed('ambiguous', 'the answer was lost');
  }

  #carryOut(request: KubeRequest): KubeAnswer {
    const isRead = request.method === 'GET';
    (isRead ? this.reads : this.writes).push(request);
    if (this.isDown) return failed(isRead ? 'transport' : 'ambiguous', 'connection refused');
    const planned = isRead ? this.nextReadFailures.shift() : undefined;
    if (planned !== undefined) return { kind: 'failed', failure: planned };
    const resource = this.#resources.find((one) => under(request.path, one) !== null);
    if (resource === undefined) return failed('notFound', `no kind is served at ${request.path}`);
    const target = under(request.path, resource);
    if (target === null) return failed('notFound', 'no such path');
    if (target.name === null) {
      return isRead
        ? this.#list(resource, target.namespace, request)
        : this.#create(resource, request);
    }
    const path = request.path.replace(/\/status$/, '');
    switch (request.method) {
      case 'GET': {
        const found = this.#stored.get(path);
        return found === undefined
          ? failed('notFound', `${target.name} not found`)
          : { kind: 'answered', body: found.object };
      }
      case 'DELETE':
        return this.#delete(resource, path);
      case 'PUT':
        return this.#replace(resource, path, request.body as KubeObject & Json);
      case 'PATCH':
        return request.contentType === 'application/merge-patch+json'
          ? this.#merge(resource, path, request.body as Partial<KubeObject>)
          : this.#apply(resource, path, target, request);
      default:
        return failed('refused', 'no such method');
    }
  }

  #list(resource: Resource, namespace: string | null, request: KubeRequest): KubeAnswer {
    const all = this.all(resource).filter(
      ({ metadata }) => namespace === null || metadata.namespace === namespace,
    );
    const limit = Math.min(Number(request.query?.['limit'] ?? Infinity), this.pageSize);
    const from = Number(request.query?.['continue'] ?? 0);
    const items = all.slice(from, from + limit);
    const next = from + limit < all.length ? { continue: String(from + limit) } : {};
    return {
      kind: 'answered',
      body: { metadata: { resourceVersion: String(this.#version), ...next }, items },
    };
  }

  #create(resource: Resource, request: KubeRequest): KubeAnswer {
    const body = request.body as KubeObject & Json;
    const path = `${request.path}/${body.metadata.name}`;
    if (this.#stored.has(path)) return failed('conflict', 'it exists already');
    return this.#commit(resource, path, this.#newborn(body), new Map(), 'ADDED');
  }

  #newborn(body: KubeObject & Json): KubeObject & Json {
    this.#uids += 1;
    const uid = `00000000-0000-4000-8000-${String(this.#uids).padStart(12, '0')}`;
    return { ...body, metadata: { ...body.metadata, uid, generation: 1, resourceVersion: '' } };
  }

  #replace(resource: Resource, path: string, body: KubeObject & Json): KubeAnswer {
    const found = this.#stored.get(path);
    if (found === undefined) return failed('notFound', 'not found');
    const { resourceVersion } = body.metadata as { resourceVersion?: string };
    if (
      resourceVersion !== undefined &&
      resourceVersion !== found.object.metadata.resourceVersion
    ) {
      return failed('conflict', 'the object has been modified');
    }
    return this.#commit(resource, path, body, found.applied, 'MODIFIED');
  }

  #merge(resource: Resource, path: string, patch: Partial<KubeObject>): KubeAnswer {
    const found = this.#stored.get(path);
    if (found === undefined) return failed('notFound', 'not found');
    const { uid, resourceVersion } = found.object.metadata;
    const { uid: itsUid = uid, resourceVersion: itsVersion = resourceVersion } =
      patch.metadata ?? {};
    if (itsUid !== uid) return failed('conflict', 'Precondition failed: UID');
    if (itsVersion !== resourceVersion) return failed('conflict', 'the object has been modified');
    const next = mergePatch(found.object, patch) as KubeObject & Json;
    if (isDeepStrictEqual(next, found.object)) return { kind: 'answered', body: found.object };
    return this.#commit(resource, path, next, found.applied, 'MODIFIED');
  }

  #delete(resource: Resource, path: string): KubeAnswer {
    const found = this.#stored.get(path);
    if (found === undefined) return failed('notFound', 'not found');
    const { object, applied } = found;
    if ((object.metadata.finalizers ?? []).length === 0)
      return this.#remove(resource, path, object);
    const generation = (object.metadata.generation ?? 1) + 1;
    const metadata = { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', generation };
    return this.#commit(resource, path, { ...object, metadata }, applied, 'MODIFIED');
  }

  #apply(
    resource: Resource,
    path: string,
    target: { readonly namespace: string | null; readonly name: string | null },
    request: KubeRequest,
  ): KubeAnswer {
    const isStatus = request.path.endsWith('/status');
    const body = request.body as KubeObject & Json;
    const found = this.#stored.get(path);
    const { uid } = body.metadata as Partial<KubeObject['metadata']>;
    if (uid !== undefined && found?.object.metadata.uid !== uid) {
      return failed('conflict', 'Precondition failed: UID');
    }
    if (found === undefined && isStatus) return failed('notFound', 'not found');
    const config = configOf(body, isStatus);
    const manager = `${request.query?.['fieldManager'] ?? ''}${isStatus ? '/status' : ''}`;
    const applied = new Map(found?.applied);
    const before: Json = found === undefined ? {} : fieldsOf(found.object);
    const owner = request.query?.['force'] === 'true' ? null : ownerOf(applied, manager, config);
    if (owner !== null) return failed('conflict', `conflict with ${owner}`);
    const kept = without(before, applied.get(manager) ?? {}, config);
    const { value } = merged(kept, config);
    applied.set(manager, config);
    const base =
      found?.object ??
      this.#newborn({
        ...body,
        metadata: {
          ...body.metadata,
          ...(target.namespace === null ? {} : { namespace: target.namespace }),
        },
      });
    const next = objectOf(base, value);
    if (found !== undefined && isDeepStrictEqual(next, found.object)) {
      return { kind: 'answered', body: found.object };
    }
    return this.#commit(resource, path, next, applied, found === undefined ? 'ADDED' : 'MODIFIED');
  }

  #commit(
    resource: Resource,
    path: string,
    given: KubeObject & Json,
    applied: ReadonlyMap<string, Json>,
    type: 'ADDED' | 'MODIFIED',
  ): KubeAnswer {
    const before = this.#stored.get(path)?.object;
    const isOver =
      given.metadata.deletionTimestamp !== undefined &&
      (given.metadata.finalizers ?? []).length === 0;
    if (isOver) return this.#remove(resource, path, given);
    this.#version += 1;
    const hasNewSpec = before !== undefined && !isDeepStrictEqual(before.spec, given.spec);
    const generation = (given.metadata.generation ?? 1) + (hasNewSpec ? 1 : 0);
    const object = JSON.parse(
      JSON.stringify({
        ...given,
        metadata: { ...given.metadata, generation, resourceVersion: String(this.#version) },
      }),
    ) as KubeObject & Json;
    this.#stored.set(path, { object, applied });
    this.#publish({ version: this.#version, type, resource, object });
    return { kind: 'answered', body: object };
  }

  #remove(resource: Resource, path: string, object: KubeObject & Json): KubeAnswer {
    this.#version += 1;
    this.#stored.delete(path);
    const last = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(this.#version) },
    };
    this.#publish({ version: this.#version, type: 'DELETED', resource, object: last });
    return { kind: 'answered', body: last };
  }

  #publish(event: Event): void {
    this.#events.push(event);
    if (this.stallsWatches) return;
    for (const watcher of this.#watchers) {
      if (isWatched(event, watcher)) {
        watcher.send({ type: event.type, object: event.object });
      }
    }
  }
}

const isWatched = (event: Event, { resource, namespace }: Watcher): boolean =>
  event.resource === resource &&
  (namespace === null || event.object.metadata.namespace === namespace);

/** What a path of this kind points at; null when it is of another kind. */
function under(
  path: string,
  resource: Resource,
): { readonly namespace: string | null; readonly name: string | null } | null {
  const root = listPath(resource).slice(0, -resource.plural.length);
  if (!path.startsWith(root)) return null;
  const parts = path.slice(root.length).split('/');
  const namespace = parts[0] === 'namespaces' ? (parts[1] ?? null) : null;
  const [plural, name] = namespace === null ? parts : parts.slice(2);
  return plural === resource.plural ? { namespace, name: name ?? null } : null;
}

/** The fields that an apply speaks of. */
function configOf(body: KubeObject & Json, isStatus: boolean): Json {
  const { finalizers } = body.metadata;
  if (isStatus) return { status: body.status };
  return {
    ...(body.spec === undefined ? {} : { spec: body.spec }),
    ...(finalizers === undefined ? {} : { finalizers: keyed(finalizers) }),
  };
}

/** Another manager that applied other values of the same fields; null = nobody. */
function ownerOf(applied: ReadonlyMap<string, Json>, manager: string, config: Json): string | null {
  for (const [other, fields] of applied) {
    if (other !== manager && merged(fields, config).conflicts) return other;
  }
  return null;
}

/** A set is a map to the rules of ownership: each member is somebody's. */
const keyed = (members: readonly string[]): Json =>
  Object.fromEntries(members.map((one) => [one, true]));

const fieldsOf = (object: KubeObject & Json): Json => ({
  ...(object.spec === undefined ? {} : { spec: object.spec }),
  ...(object.status === undefined ? {} : { status: object.status }),
  finalizers: keyed(object.metadata.finalizers ?? []),
});

function objectOf(base: KubeObject & Json, fields: Json): KubeObject & Json {
  const { finalizers, spec, status } = fields;
  const { finalizers: _, ...metadata } = base.metadata;
  const names = Object.keys(finalizers ?? {});
  return {
    ...base,
    ...(spec === undefined ? {} : { spec }),
    ...(status === undefined ? {} : { status }),
    metadata: { ...metadata, ...(names.length === 0 ? {} : { finalizers: names }) },
  };
}
