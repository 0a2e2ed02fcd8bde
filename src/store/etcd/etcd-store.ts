import type { ClusterId, Revision } from '../../core/model/ids.ts';
import type { Env } from '../../env/env.ts';
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
import { campaign } from './campaign.ts';
import type { EtcdLeadership } from './etcd-leadership.ts';
import { Keyspace } from './keyspace.ts';
import { KnownItems } from './known-items.ts';
import { Kv } from './kv.ts';
import { Members } from './members.ts';
import { Authenticator } from './rpc/authenticator.ts';
import { Channel, type ChannelOptions } from './rpc/channel.ts';
import { credentialsOf } from './rpc/connection.ts';
import type { EtcdSettings, EtcdTimes } from './settings.ts';
import { Transactions } from './transactions.ts';
import { Watch } from './watch.ts';

export type EtcdStoreEnv = Pick<Env, 'clock' | 'timers' | 'random' | 'log'>;

interface EtcdStoreParts {
  readonly env: EtcdStoreEnv;
  readonly clusterId: ClusterId;
  readonly settings: EtcdSettings;
  readonly times: EtcdTimes;
}

/**
 * A cluster's store on an etcd that others may use too. Made by `openEtcdStore`.
 *
 * Requests, leases, watches and the look at members each have connections of their own. What is
 * left of etcd's history is for those who run it to say: nothing is compacted here.
 */
export class EtcdStore implements Store {
  readonly members: Members;
  readonly #parts: EtcdStoreParts;
  readonly #keyspace: Keyspace;
  readonly #kv: Kv;
  readonly #transactions: Transactions;
  readonly #requests: Channel;
  readonly #leases: Channel;
  readonly #watching: Channel;
  readonly #watches = new Set<Watch>();
  readonly #leaderships = new Set<EtcdLeadership>();
  readonly #campaigns = new Set<Promise<EtcdLeadership>>();
  readonly #ended = new AbortController();
  #closing: Promise<void> | null = null;

  constructor(parts: EtcdStoreParts) {
    this.#parts = parts;
    const { env, settings, times } = parts;
    const options: ChannelOptions = {
      ...env,
      endpoints: settings.endpoints,
      credentials: credentialsOf(settings.tls),
      serverName: settings.tls?.serverName ?? null,
      authenticator: new Authenticator(settings.user, env),
    };
    this.#requests = new Channel(options);
    this.#leases = new Channel(options);
    this.#watching = new Channel(options);
    this.members = new Members({
      ...options,
      timers: env.timers,
      log: env.log,
      everyMs: times.statusMs,
      timeoutMs: times.statusMs,
    });
    const { deadlineMs } = times;
    const known = new KnownItems();
    this.#keyspace = new Keyspace(parts.clusterId);
    this.#kv = new Kv({
      channel: this.#requests,
      keyspace: this.#keyspace,
      known,
      deadlineMs,
      onForeign: (because) => this.#onForeign(because),
    });
    this.#transactions = new Transactions({
      kv: this.#kv,
      keyspace: this.#keyspace,
      known,
      clock: env.clock,
      deadlineMs,
      onOutOfSpace: () => this.members.noteOutOfSpace(),
    });
  }

  get(key: string): Promise<{ readonly item: KeyValue | null; readonly revision: Revision }> {
    return this.#kv.get(key);
  }

  list(
    prefix: string,
  ): Promise<{ readonly items: readonly KeyValue[]; readonly revision: Revision }> {
    return this.#kv.list(prefix);
  }

  async txn(transaction: Transaction): Promise<WriteOutcome> {
    if (this.#ended.signal.aborted) return refused('notSent', 'the store is closed');
    const { readOnly } = this.status();
    // Not sent, because etcd itself may answer "no space" to a write that it has applied.
    if (readOnly !== null && transaction.then.some((write) => write.kind === 'put')) {
      return refused('readOnly', readOnly);
    }
    return this.#transactions.run(transaction);
  }

  watch(prefix: string, from: Revision, listener: (event: WatchEvent) => void): () => void {
    const { env, times } = this.#parts;
    if (this.#ended.signal.aborted) {
      queueMicrotask(() => listener({ kind: 'closed', reason: 'the store is closed' }));
      return () => undefined;
    }
    const watch = new Watch({
      channel: this.#watching,
      keyspace: this.#keyspace,
      timers: env.timers,
      log: env.log,
      probeMs: times.watchProbeMs,
      deadlineMs: times.deadlineMs,
      prefix,
      from,
      listener: (event) => {
        if (event.kind !== 'batch') this.#watches.delete(watch);
        listener(event);
      },
    });
    this.#watches.add(watch);
    return () => {
      this.#watches.delete(watch);
      watch.stop();
    };
  }

  async campaign(options: {
    readonly candidate: string;
    readonly signal: AbortSignal;
  }): Promise<Leadership> {
    const signal = AbortSignal.any([this.#ended.signal, options.signal]);
    signal.throwIfAborted();
    const { env, times } = this.#parts;
    const running = campaign({
      ...times,
      env,
      signal,
      candidate: options.candidate,
      kv: this.#kv,
      keyspace: this.#keyspace,
      leaseChannel: this.#leases,
      watchChannel: this.#watching,
    });
    this.#campaigns.add(running);
    const leadership = await running.finally(() => this.#campaigns.delete(running));
    this.#leaderships.add(leadership);
    leadership.lost.addEventListener('abort', () => this.#leaderships.delete(leadership));
    return leadership;
  }

  status(): StoreStatus {
    const isOpen = !this.#ended.signal.aborted;
    const { states } = this.members;
    const isOutOfSpace = states.some((state) => state.isOutOfSpace);
    return {
      driver: 'etcd',
      revision: this.#kv.revision,
      members: states.map(({ name, healthy }) => ({ name, healthy: isOpen && healthy })),
      hasQuorum: isOpen && this.#kv.isAnswering,
      readOnly: isOutOfSpace ? 'etcd has used up its space (alarm NOSPACE)' : null,
      syncMs: null,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close('the store is closed');
    return this.#closing;
  }

  async #close(reason: string): Promise<void> {
    this.#ended.abort(new StoreUnavailable(reason));
    this.#kv.end();
    for (const watch of this.#watches) watch.close(reason);
    this.#watches.clear();
    await Promise.allSettled(this.#campaigns);
    await Promise.all([...this.#leaderships].map((leadership) => leadership.resign()));
    this.members.close();
    for (const channel of [this.#requests, this.#leases, this.#watching]) channel.close();
  }

  #onForeign(because: string): void {
    if (this.#closing !== null) return;
    this.#parts.env.log.error(
      { because },
      'this is another etcd; nothing is read or written there',
    );
    for (const leadership of this.#leaderships) void leadership.resign();
    this.#closing = this.#close(because);
  }
}

function refused(because: 'notSent' | 'readOnly', detail: string): WriteOutcome {
  return { kind: 'refused', because, current: [], detail };
}
