import type { Oracles } from './oracles.ts';
import type { Recorder } from './recorder.ts';
import type { Sometimes } from './sometimes.ts';
import type { Stage } from './stage.ts';

/** Between two looks, ms. */
const lookMs = 50;

/**
 * Keeps two managers leading, each by its own belief: as soon as only one does, the store gives its
 * seat to another and nobody tells the one who had it. Safety must not rest on there being one
 * (DESIGN §2), so here there never is.
 */
export class TwoLeaders {
  readonly #stage: Stage;
  readonly #recorder: Recorder;
  readonly #sometimes: Sometimes;
  #stopped = false;

  constructor(stage: Stage, { recorder, sometimes }: Oracles) {
    this.#stage = stage;
    this.#recorder = recorder;
    this.#sometimes = sometimes;
  }

  start(): void {
    const { time } = this.#stage.cluster.world;
    const label = time.label('two leaders');
    const look = (): void => {
      if (this.#stopped) return;
      this.#look();
      time.schedule(lookMs, look, label);
    };
    look();
  }

  stop(): void {
    this.#stopped = true;
  }

  #look(): void {
    const { cluster } = this.#stage;
    const leaders = cluster.leaders();
    if (leaders.length > 1) {
      this.#sometimes.hit('two managers led at once');
      return;
    }
    const { leader } = cluster.store;
    const alive = cluster.managers.filter((each) => each.manager !== null);
    if (leader === null || leaders[0]?.name !== leader || alive.length < 2) return;
    this.#recorder.fooled(leader);
    cluster.store.expire(leader, { tell: false });
  }
}
