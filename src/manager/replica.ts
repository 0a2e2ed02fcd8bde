import { epoch, revision, type Revision } from '../core/model/ids.ts';
import type { ClusterSettings } from '../core/model/settings.ts';
import type { Env, Timer } from '../env/env.ts';
import type { Store, WatchBatch } from '../store/store.ts';
import { keys } from './keys.ts';
import { Mirror } from './mirror.ts';

/** How soon a store that gave no answer is asked again, in ms. */
const retryMs = 1000;
/** How long a read waits for the watch to bring what the store has committed already, in ms. */
const catchUpMs = 500;

/** A copy of what is committed, and how old it may be. */
export interface Snapshot {
  readonly mirror: Mirror;
  /** Everything committed until so long ago is in it, in ms; 0 = the store confirmed it just now. */
  readonly ageMs: number;
}

export interface ReplicaOptions {
  readonly env: Env;
  readonly store: Store;
  readonly settings: ClusterSettings;
  /** Something was committed; null = everything was read anew. */
  onChange(batch: WatchBatch | null): void;
}

/**
 * What a manager that does not lead knows of the cluster: a copy of the store that its watch keeps
 * up. It answers reads, and nothing is ever decided on it.
 */
export class Replica {
  readonly #options: ReplicaOptions;
  #mirror: Mirror | null = null;
  #asOfMs = Number.NEGATIVE_INFINITY;
  #run = 0;
  #stopWatch: () => void = () => undefined;
  #retry: Timer | null = null;
  #waiting: (() => void)[] = [];

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  /** The copy as it is, however old; null before the first. */
  get mirror(): Mirror | null {
    return this.#mirror;
  }

  /** Begins to follow. `known`: what a leadership that is over left behind, until there is better. */
  start(known: { readonly mirror: Mirror; readonly asOfMs: number } | null = null): void {
    this.stop();
    this.#mirror = known?.mirror ?? this.#mirror;
    this.#asOfMs = known?.asOfMs ?? this.#asOfMs;
    void this.#load(this.#run);
  }

  stop(): void {
    this.#run += 1;
    this.#stopWatch();
    this.#stopWatch = () => undefined;
    this.#retry?.cancel();
    this.#wake();
  }

  /** The newest copy that can be had. Null when there is none at all. */
  async read(): Promise<Snapshot | null> {
    const { env, store } = this.#options;
    const askedMs = env.clock.monotonicMs();
    try {
      // Every write of a leader moves the barrier, so this tells what the copy must have reached.
      const { item } = await store.get(keys.barrier);
      const reached = await this.#reaches(item?.modRevision ?? revision(0));
      if (reached) this.#asOfMs = Math.max(this.#asOfMs, askedMs);
      if (reached && this.#mirror !== null) return { mirror: this.#mirror, ageMs: 0 };
    } catch (error) {
      env.log.debug({ err: error }, 'the store does not answer; a read is served from the copy');
    }
    if (this.#mirror === null) return null;
    const ageMs = Math.max(0, Math.round(env.clock.monotonicMs() - this.#asOfMs));
    return { mirror: this.#mirror, ageMs };
  }

  /** True once the copy holds that write of the barrier; false when it does not come in time. */
  async #reaches(barrier: Revision): Promise<boolean> {
    const { env } = this.#options;
    const holds = (): boolean =>
      this.#mirror !== null && this.#mirror.revisionOf(keys.barrier) >= barrier;
    const late = new AbortController();
    const timer = env.timers.after(catchUpMs, () => {
      late.abort();
      this.#wake();
    });
    while (!holds() && !late.signal.aborted)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    timer.cancel();
    return holds();
  }

  async #load(run: number): Promise<void> {
    const { env, store, settings } = this.#options;
    const askedMs = env.clock.monotonicMs();
    try {
      const { items, revision: at } = await store.list('');
      if (run !== this.#run) return;
      const mirror = new Mirror(epoch(0), env.clock, settings);
      mirror.replace(items);
      this.#mirror = mirror;
      this.#asOfMs = askedMs;
      this.#watch(run, at);
      this.#wake();
      this.#options.onChange(null);
    } catch (error) {
      if (run !== this.#run) return;
      env.log.debug({ err: error }, 'the store cannot be copied now');
      this.#loadLater(run);
    }
  }

  #loadLater(run: number): void {
    this.#retry = this.#options.env.timers.after(retryMs, () => void this.#load(run));
  }

  #watch(run: number, from: Revision): void {
    this.#stopWatch = this.#options.store.watch('', from, (event) => {
      if (run !== this.#run) return;
      if (event.kind === 'batch') this.#follow(event.batch);
      else if (event.kind === 'compacted') void this.#load(run);
      else this.#loadLater(run);
    });
  }

  #follow(batch: WatchBatch): void {
    this.#mirror?.follow(batch);
    this.#asOfMs = this.#options.env.clock.monotonicMs();
    this.#wake();
    this.#options.onChange(batch);
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
