import { operationId, revision } from '../../src/core/model/ids.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { unlinearizableKeys } from '../checkers/linearizable.ts';
import type { StoreAction, StoreOperation } from '../checkers/linearizable.ts';
import type { SimCluster } from '../sim/cluster.ts';
import type { RandomStream } from '../sim/random.ts';

const clients = ['probe-1', 'probe-2', 'probe-3'];
const keys = ['probe/a', 'probe/b'];
const mostOperations = 60;
/** Longer than any driver makes a client wait, ms. */
const patienceMs = 10_000;

/**
 * Clients that read and write keys of their own in the store beside the managers, over links that
 * are cut and with answers that get lost, and keep what they were told.
 */
export class StoreProbe {
  readonly #cluster: SimCluster;
  readonly #random: RandomStream;
  readonly #history: StoreOperation[] = [];
  /** The revision that each client last knew of each key. */
  readonly #known = new Map<string, number>();
  #count = 0;

  constructor(cluster: SimCluster, random: RandomStream) {
    this.#cluster = cluster;
    this.#random = random;
  }

  start(): void {
    for (const client of clients) this.#next(client);
  }

  /** Keys whose history no order explains. */
  broken(): readonly string[] {
    return unlinearizableKeys(this.#history);
  }

  #next(client: string): void {
    const { time } = this.#cluster.world;
    const waitMs = this.#random.between(100, 4000);
    time.schedule(waitMs, () => void this.#act(client), time.label('probe'));
  }

  async #act(client: string): Promise<void> {
    if (this.#history.length >= mostOperations) return;
    const store = this.#cluster.store.client(client);
    if (store === null) {
      this.#next(client);
      return;
    }
    this.#trouble(client);
    const { time } = this.#cluster.world;
    const key = this.#random.pick(keys);
    const calledAt = time.nowMs;
    const place = this.#history.length;
    // In the history from the call on: an answer that never comes leaves it unanswered.
    const isRead = this.#random.chance(0.4);
    if (!isRead)
      this.#history.push({ key, calledAt, answeredAt: null, action: this.#write(client, key) });
    const call = isRead ? this.#read(store, key) : this.#send(store, key, place);
    const action = await this.#patiently(call);
    if (action !== null) {
      if (action.revision !== null) this.#known.set(`${client} ${key}`, action.revision);
      const ended = { key, calledAt, answeredAt: time.nowMs, action };
      if (isRead) this.#history.push(ended);
      else this.#history[place] = ended;
    }
    this.#next(client);
  }

  /** A store that died with its process never answers. */
  #patiently(call: Promise<StoreAction | null>): Promise<StoreAction | null> {
    const { time } = this.#cluster.world;
    return new Promise((resolve, reject) => {
      const limit = time.schedule(patienceMs, () => resolve(null), time.label('probe'));
      call.then((action) => {
        limit.cancel();
        resolve(action);
        return undefined;
      }, reject);
    });
  }

  #write(client: string, key: string): StoreAction {
    this.#count += 1;
    const expected = this.#random.chance(0.2) ? null : (this.#known.get(`${client} ${key}`) ?? 0);
    return {
      kind: 'write',
      value: JSON.stringify({ probe: this.#count }),
      expected,
      revision: null,
    };
  }

  /** What was answered; null when there was no answer. */
  async #send(store: Store, key: string, place: number): Promise<StoreAction | null> {
    const action = this.#history[place]?.action;
    if (action?.kind !== 'write') return null;
    const { value, expected } = action;
    const outcome = await store.txn({
      operation: operationId(`probe-${place}`),
      compare: expected === null ? [] : [{ key, target: 'mod', revision: revision(expected) }],
      then: [{ kind: 'put', key, value: value ?? '' }],
    });
    if (outcome.kind === 'ambiguous') return null;
    // Without a look at the key it says nothing of what was there; taken for unanswered.
    if (outcome.kind === 'refused' && outcome.because !== 'compare') return null;
    return { ...action, revision: outcome.kind === 'committed' ? outcome.revision : null };
  }

  async #read(store: Store, key: string): Promise<StoreAction | null> {
    try {
      const { item } = await store.get(key);
      return { kind: 'read', value: item?.value ?? null, revision: item?.modRevision ?? 0 };
    } catch (error) {
      if (error instanceof StoreUnavailable) return null;
      throw error;
    }
  }

  #trouble(client: string): void {
    const { store, world } = this.#cluster;
    if (this.#random.chance(0.15)) {
      const lateMs = this.#random.between(1, 3000);
      store.makeNextWriteAmbiguous(client, this.#random.pick(['evaluated', 'lost', { lateMs }]));
    }
    if (!this.#random.chance(0.08)) return;
    store.cut(client);
    const heal = (): void => store.heal(client);
    world.time.schedule(this.#random.between(10, 3000), heal, world.time.label('probe'));
  }
}
