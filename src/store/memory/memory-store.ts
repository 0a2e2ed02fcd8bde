import type { Revision } from '../../core/model/ids.ts';
import {
  StoreUnavailable,
  type KeyValue,
  type Leadership,
  type Store,
  type StoreStatus,
  type Transaction,
  type WatchEvent,
  type WriteOutcome,
} from '../store.ts';
import { WatchHub } from '../watch-hub.ts';
import { MemoryCampaign } from './memory-campaign.ts';
import type { AmbiguousEffect, MemoryCluster } from './memory-cluster.ts';
import type { MemoryLeadership } from './memory-leadership.ts';
import type { MemoryLink } from './memory-link.ts';

/** One client of a `MemoryCluster`. Made by `MemoryCluster.connect`. */
export class MemoryStore implements Store {
  readonly link: MemoryLink;
  readonly #cluster: MemoryCluster;
  readonly #hub: WatchHub;
  readonly #leaderships = new Set<MemoryLeadership>();
  readonly #ended = new AbortController();
  #nextWrite: AmbiguousEffect | null = null;

  constructor(cluster: MemoryCluster, link: MemoryLink) {
    this.#cluster = cluster;
    this.link = link;
    this.#hub = new WatchHub(cluster.machine, (run) => link.note(run));
  }

  async get(key: string): Promise<{ readonly item: KeyValue | null; readonly revision: Revision }> {
    const { machine } = this.#cluster;
    return this.#read(() => ({ item: machine.get(key), revision: machine.revision }));
  }

  async list(
    prefix: string,
  ): Promise<{ readonly items: readonly KeyValue[]; readonly revision: Revision }> {
    const { machine } = this.#cluster;
    return this.#read(() => ({ items: machine.list(prefix), revision: machine.revision }));
  }

  async txn(transaction: Transaction): Promise<WriteOutcome> {
    if (this.#ended.signal.aborted) {
      return { kind: 'refused', because: 'notSent', current: [], detail: 'the store is closed' };
    }
    const effect = this.#nextWrite;
    this.#nextWrite = null;
    if (effect !== null) {
      const lostAnswer = await this.link.call(() => this.#applyUnanswered(transaction, effect));
      return ambiguous(transaction, lostAnswer === null ? 'no answer' : 'connection lost');
    }
    const outcome = await this.link.call(() => this.#cluster.evaluate(transaction));
    return outcome ?? ambiguous(transaction, 'no answer');
  }

  watch(prefix: string, from: Revision, listener: (event: WatchEvent) => void): () => void {
    return this.#hub.watch(prefix, from, listener);
  }

  async campaign(options: {
    readonly candidate: string;
    readonly signal: AbortSignal;
  }): Promise<Leadership> {
    const sources = [options.signal, this.#ended.signal];
    for (const source of sources) source.throwIfAborted();
    const campaign = new MemoryCampaign(this.#cluster, this.link, options.candidate);
    // Not `AbortSignal.any`: Node keeps such a one alive for ever when its process is one of the
    // simulator that died and hears no more.
    const given = new AbortController();
    const over = new AbortController();
    for (const source of sources) {
      const giveUp = (): void => given.abort(source.reason);
      source.addEventListener('abort', giveUp, { once: true, signal: over.signal });
    }
    const leadership = await campaign.run(given.signal).finally(() => over.abort());
    this.#leaderships.add(leadership);
    leadership.lost.addEventListener('abort', () => this.#leaderships.delete(leadership));
    return leadership;
  }

  status(): StoreStatus {
    const connected = !this.link.isCut && !this.#ended.signal.aborted;
    return {
      driver: 'memory',
      revision: this.#cluster.machine.revision,
      members: [{ name: 'memory', healthy: connected }],
      hasQuorum: connected,
      readOnly: this.#cluster.readOnly,
      syncMs: null,
    };
  }

  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(new StoreUnavailable('the store is closed'));
    for (const leadership of this.#leaderships) leadership.lose('the store is closed');
    this.#hub.close('the store is closed');
    await this.link.call(() => this.#cluster.leave(this));
    this.link.close();
  }

  makeNextWriteAmbiguous(effect: AmbiguousEffect): void {
    this.#nextWrite = effect;
  }

  /** The state moved. */
  changed(): void {
    this.#hub.changed();
  }

  async #read<Answer>(read: () => Answer): Promise<Answer> {
    if (this.#ended.signal.aborted) throw new StoreUnavailable('the store is closed');
    const answer = await this.link.call(read);
    if (answer === null) throw new StoreUnavailable('no answer from the store');
    return answer;
  }

  #applyUnanswered(transaction: Transaction, effect: AmbiguousEffect): true {
    if (effect === 'evaluated') this.#cluster.evaluate(transaction);
    else if (effect !== 'lost') this.#cluster.evaluateLater(transaction, effect.lateMs);
    return true;
  }
}

function ambiguous(transaction: Transaction, detail: string): WriteOutcome {
  return { kind: 'ambiguous', operation: transaction.operation, detail };
}
