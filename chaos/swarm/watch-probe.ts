import { revision } from '../../src/core/model/ids.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import type { WatchEvent } from '../../src/store/store.ts';
import type { SimCluster } from '../sim/cluster.ts';
import type { RandomStream } from '../sim/random.ts';
import type { Oracles } from './oracles.ts';
import type { Recorder } from './recorder.ts';
import type { Sometimes } from './sometimes.ts';

const client = 'watcher';
const prefix = 'probe/';

/**
 * A client that watches the keys of the store probe: goes away for a while, comes back with the
 * last revision it knows, and begins anew when it is told that it was away for too long.
 */
export class WatchProbe {
  readonly #cluster: SimCluster;
  readonly #recorder: Recorder;
  readonly #sometimes: Sometimes;
  readonly #random: RandomStream;
  /** Null = a list has to tell first. */
  #after: number | null = null;
  #stop: (() => void) | null = null;

  constructor(cluster: SimCluster, oracles: Oracles, random: RandomStream) {
    this.#cluster = cluster;
    this.#recorder = oracles.recorder;
    this.#sometimes = oracles.sometimes;
    this.#random = random;
  }

  start(): void {
    this.#later(100, () => void this.#follow());
  }

  #later(delayMs: number, act: () => void): void {
    const { time } = this.#cluster.world;
    time.schedule(delayMs, act, time.label('watch probe'));
  }

  async #follow(): Promise<void> {
    const store = this.#cluster.store.client(client);
    if (store !== null) {
      try {
        this.#after ??= (await store.list(prefix)).revision;
        this.#stop = store.watch(prefix, revision(this.#after), (event) => this.#take(event));
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
    }
    this.#later(this.#random.between(500, 4000), () => this.#goAway());
  }

  #take(event: WatchEvent): void {
    if (event.kind === 'batch') {
      this.#recorder.poll();
      const shown = event.batch.revision;
      this.#recorder.note({
        kind: 'watched',
        client,
        prefix,
        after: this.#after ?? 0,
        revision: shown,
      });
      this.#after = shown;
    } else if (event.kind === 'compacted') {
      this.#sometimes.hit('a watch had looked away for too long');
      this.#after = null;
    }
  }

  #goAway(): void {
    this.#stop?.();
    this.#stop = null;
    const forgets = this.#random.chance(0.2);
    const awayMs = this.#random.between(50, 3000);
    if (forgets) {
      this.#later(awayMs, () => {
        this.#recorder.poll();
        this.#cluster.store.forgetHistory();
      });
    }
    this.#later(awayMs + 10, () => void this.#follow());
  }
}
