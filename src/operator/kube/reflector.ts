import type { Env } from '../../env/env.ts';
import { Backoff } from './backoff.ts';
import type { KubeApi, KubeFailure, KubeObject, WatchEnd } from './kube-api.ts';
import { failureOf } from './kube-api.ts';
import { listAll } from './list-all.ts';
import { ObjectStore } from './object-store.ts';
import { linkedAbort, pause } from './pause.ts';
import { listPath, type Resource } from './resource.ts';

/** A watch that lasted this long was healthy: the next back-off begins anew. */
const healthyMs = 5000;
const firstDelayMs = 200;
const longestDelayMs = 10_000;
/** Where a right or the kind itself is missing: it may come, and nobody waits for it. */
const longestRefusedDelayMs = 60_000;
/** The server is asked to end watches after a time between these, so that not all end at once. */
const watchSeconds = { least: 290, most: 590 };
/** Servers that send bookmarks do so about once a minute. */
const silenceMs = 90_000;
/** How long past the asked end of a watch a server without bookmarks may be silent. */
const lateMs = 30_000;

/** What became of lists and watches, for metrics. */
export interface ReflectorCounts {
  lists: number;
  watches: number;
  /** Failures of lists and watches by kind. */
  readonly failures: Map<KubeFailure['kind'] | 'silent' | 'defect', number>;
  droppedTails: number;
  handlerErrors: number;
}

interface WatchOutcome {
  /** The last version seen; null = it is gone, list again. */
  readonly version: string | null;
  readonly failure: KubeFailure | null;
  readonly lastedMs: number;
}

/**
 * Keeps a store in step with all objects of a kind, until its signal fires and not a moment shorter:
 * whatever the server, the network or a handler does is a state of the loop. Handlers are told keys and
 * read the store, because only the level counts.
 */
export class Reflector<T extends KubeObject = KubeObject> {
  readonly store = new ObjectStore<T>();
  readonly counts: ReflectorCounts = {
    lists: 0,
    watches: 0,
    failures: new Map(),
    droppedTails: 0,
    handlerErrors: 0,
  };
  /** Resolves after the first complete list, never before. */
  readonly synced: Promise<void>;
  readonly #env: Pick<Env, 'timers' | 'clock' | 'random' | 'log'>;
  readonly #api: KubeApi;
  readonly #resource: Resource;
  readonly #path: string;
  readonly #onChange: (key: string) => void;
  readonly #backoff: Backoff;
  readonly #resolveSynced: () => void;
  #sendsBookmarks = false;
  #lastGoneMs = -Infinity;
  #refusal: string | null = null;

  constructor(options: {
    readonly env: Pick<Env, 'timers' | 'clock' | 'random' | 'log'>;
    readonly api: KubeApi;
    readonly resource: Resource;
    /** Objects of that one alone; default of all. */
    readonly namespace?: string | undefined;
    readonly onChange: (key: string) => void;
  }) {
    this.#env = options.env;
    this.#api = options.api;
    this.#resource = options.resource;
    this.#path = listPath(options.resource, options.namespace);
    this.#onChange = options.onChange;
    this.#backoff = new Backoff({
      random: options.env.random,
      baseMs: firstDelayMs,
      capMs: longestDelayMs,
    });
    let resolveSynced = (): void => undefined;
    this.synced = new Promise((resolve) => {
      resolveSynced = resolve;
    });
    this.#resolveSynced = () => resolveSynced();
  }

  /** Why the server does not let us look (a missing right or kind); null = it does. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /** Runs until the signal fires. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let version: string | null = null;
    while (!signal.aborted) {
      try {
        version = version === null ? await this.#list(signal) : await this.#follow(version, signal);
      } catch (error) {
        this.#count('defect');
        this.#env.log.error(
          { err: error, resource: this.#resource.plural },
          'a watch failed oddly',
        );
        await pause(this.#env, this.#backoff.next(), signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<string | null> {
    this.counts.lists += 1;
    const listed = await listAll<T>(this.#api, this.#path, signal);
    if (signal.aborted) return null;
    if (listed.kind === 'failed') {
      await this.#afterFailure(listed.failure, 'list', signal);
      return null;
    }
    this.#refusal = null;
    for (const key of this.store.replace(listed.items)) this.#tell(key);
    this.#resolveSynced();
    return listed.version;
  }

  async #follow(from: string, signal: AbortSignal): Promise<string | null> {
    const { version, failure, lastedMs } = await this.#watch(from, signal);
    if (signal.aborted) return version;
    if (lastedMs >= healthyMs) this.#backoff.reset();
    if (version === null) {
      await this.#afterGone(signal);
      return null;
    }
    if (failure !== null) await this.#afterFailure(failure, 'watch', signal);
    // An orderly end is how servers restart and balancers tidy up; only a row of them is slowed down.
    else if (lastedMs < healthyMs) await pause(this.#env, this.#backoff.next(), signal);
    return version;
  }

  async #watch(from: string, signal: AbortSignal): Promise<WatchOutcome> {
    this.counts.watches += 1;
    const { clock, random, timers } = this.#env;
    const { least, most } = watchSeconds;
    const seconds = Math.floor(least + random.fraction() * (most - least));
    const beganMs = clock.monotonicMs();
    const { controller, unlink } = linkedAbort(signal);
    const seen: { version: string | null; failure: KubeFailure | null } = {
      version: from,
      failure: null,
    };
    const silent = (): void => {
      seen.failure = { kind: 'transport', message: 'nothing was heard for too long' };
      this.#count('silent');
      controller.abort();
    };
    const patienceMs = (): number => (this.#sendsBookmarks ? silenceMs : seconds * 1000 + lateMs);
    let timer = timers.after(patienceMs(), silent);
    const onEvent = (event: unknown): void => {
      if (controller.signal.aborted) return;
      const taken = this.#take(event);
      timer.cancel();
      timer = timers.after(patienceMs(), silent);
      if (taken.kind === 'version') seen.version = taken.version;
      else {
        seen.failure = taken.failure;
        controller.abort();
      }
    };
    const query = {
      watch: 'true',
      resourceVersion: from,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(seconds),
    };
    let end: WatchEnd;
    try {
      end = await this.#api.watch({ path: this.#path, query }, onEvent, controller.signal);
    } finally {
      timer.cancel();
      unlink();
    }
    const failure = seen.failure ?? this.#failureOf(end);
    const version = failure?.kind === 'gone' ? null : seen.version;
    return { version, failure, lastedMs: clock.monotonicMs() - beganMs };
  }

  #failureOf(end: WatchEnd): KubeFailure | null {
    if (end.kind === 'failed') return end.failure;
    if (end.droppedBytes === 0) return null;
    this.counts.droppedTails += 1;
    return { kind: 'transport', message: `the stream broke off within a line` };
  }

  /** Takes one event into the store. Only events of objects and bookmarks move the version. */
  #take(
    event: unknown,
  ):
    | { readonly kind: 'version'; readonly version: string }
    | { readonly kind: 'failure'; readonly failure: KubeFailure } {
    const { type, object } = (event ?? {}) as { readonly type?: unknown; readonly object?: T };
    if (type === 'ERROR') {
      const { code } = (object ?? {}) as { readonly code?: unknown };
      return {
        kind: 'failure',
        failure: failureOf(typeof code === 'number' ? code : 500, object, null),
      };
    }
    const version = object?.metadata?.resourceVersion;
    if (object === undefined || typeof version !== 'string') {
      return {
        kind: 'failure',
        failure: { kind: 'transport', message: 'an event is not understood' },
      };
    }
    if (type === 'BOOKMARK') this.#sendsBookmarks = true;
    else if (type === 'DELETED') this.#tell(this.store.remove(object));
    else if (type === 'ADDED' || type === 'MODIFIED') this.#tell(this.store.put(object));
    return { kind: 'version', version };
  }

  async #afterGone(signal: AbortSignal): Promise<void> {
    this.#count('gone');
    const nowMs = this.#env.clock.monotonicMs();
    const isRepeated = nowMs - this.#lastGoneMs < healthyMs;
    this.#lastGoneMs = nowMs;
    if (isRepeated) await pause(this.#env, this.#backoff.next(), signal);
  }

  async #afterFailure(
    failure: KubeFailure,
    during: 'list' | 'watch',
    signal: AbortSignal,
  ): Promise<void> {
    this.#count(failure.kind);
    const isRefusal =
      failure.kind === 'forbidden' ||
      failure.kind === 'notFound' ||
      failure.kind === 'unauthorized';
    if (isRefusal) this.#refusal = failure.message;
    const jitterMs = this.#backoff.next(isRefusal ? longestRefusedDelayMs : longestDelayMs);
    const delayMs =
      failure.kind === 'throttled' ? Math.max(failure.retryAfterMs, jitterMs) : jitterMs;
    this.#env.log.warn(
      { resource: this.#resource.plural, during, failure: failure.kind, delayMs },
      `the API server cannot be followed: ${failure.message}`,
    );
    await pause(this.#env, delayMs, signal);
  }

  #tell(key: string): void {
    try {
      this.#onChange(key);
    } catch (error) {
      this.counts.handlerErrors += 1;
      this.#env.log.error({ err: error, key }, 'a handler of changes failed');
    }
  }

  #count(kind: KubeFailure['kind'] | 'silent' | 'defect'): void {
    this.counts.failures.set(kind, (this.counts.failures.get(kind) ?? 0) + 1);
  }
}
