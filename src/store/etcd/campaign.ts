import { operationId, revision, type Revision } from '../../core/model/ids.ts';
import type { Env } from '../../env/env.ts';
import { deferred } from '../deferred.ts';
import { epochBaseIn, epochBaseKey, epochOf } from '../leadership-key.ts';
import { StoreUnavailable } from '../store.ts';
import { candidateKey, candidatePrefix } from './candidate-key.ts';
import { EtcdLeadership } from './etcd-leadership.ts';
import type { Keyspace } from './keyspace.ts';
import type { Kv } from './kv.ts';
import { Lease } from './lease.ts';
import type { Channel } from './rpc/channel.ts';
import { ascending, compareTarget, sortByCreateRevision } from './rpc/messages.ts';
import { messageOf, RpcFailed } from './rpc/rpc-failed.ts';
import { decodeStored, encodeStored } from './stored-value.ts';
import { Watch } from './watch.ts';

export interface CampaignOptions {
  readonly env: Pick<Env, 'clock' | 'timers' | 'random' | 'log'>;
  readonly kv: Kv;
  readonly keyspace: Keyspace;
  readonly leaseChannel: Channel;
  readonly watchChannel: Channel;
  readonly deadlineMs: number;
  readonly watchProbeMs: number;
  readonly leaseTtlS: number;
  readonly candidate: string;
  /** The campaign is given up, or the store is closed. */
  readonly signal: AbortSignal;
}

/** The queue is looked at this often even if no watch tells of a change. */
const lookMs = 2_000;

interface Place {
  /** Whether our key is there, under our lease. */
  readonly isThere: boolean;
  readonly isFirst: boolean;
  readonly createRevision: Revision;
  readonly epochBase: number;
  readonly revision: Revision;
}

/**
 * Waits for the leadership. A candidate puts a key of its own, under a lease of its own, behind those
 * that are there. It has won when a linearizable read shows that its key has the lowest create
 * revision and carries its lease, and the lease can still be counted on in that same turn.
 *
 * A candidacy whose key or lease is gone is dead: the next one has another lease and another key, at
 * the end of the queue. Rejects with the signal's reason.
 */
export async function campaign(options: CampaignOptions): Promise<EtcdLeadership> {
  const { signal, leaseChannel, env } = options;
  for (let failures = 0; ; failures += 1) {
    signal.throwIfAborted();
    try {
      const leadership = await stand(options);
      if (leadership !== null) return leadership;
      failures = 0;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RpcFailed) && !(error instanceof StoreUnavailable)) throw error;
      env.log.debug({ because: messageOf(error) }, 'a candidacy failed; a new one follows');
      await pause(options, leaseChannel.backoffMs(failures));
    }
  }
}

/** One candidacy. Null when it died. */
async function stand(options: CampaignOptions): Promise<EtcdLeadership | null> {
  const { env, leaseChannel, leaseTtlS } = options;
  const lease = await Lease.grant({ ...env, channel: leaseChannel, ttlS: leaseTtlS });
  const candidacy = new Candidacy(options, lease);
  let hasWon = false;
  try {
    await candidacy.enter();
    const leadership = await candidacy.wait();
    hasWon = leadership !== null;
    return leadership;
  } finally {
    // Whoever comes next must not have to wait until the lease runs out.
    if (!hasWon) await lease.revoke();
  }
}

class Candidacy {
  readonly #options: CampaignOptions;
  readonly #lease: Lease;
  readonly #key: string;
  #wake = deferred<void>();

  constructor(options: CampaignOptions, lease: Lease) {
    this.#options = options;
    this.#lease = lease;
    this.#key = candidateKey(lease.id);
  }

  /** Without an answer, reading tells whether the key is there. Nobody else writes this key. */
  async enter(): Promise<void> {
    const { keyspace, kv, candidate, env, deadlineMs } = this.#options;
    const key = keyspace.key(this.#key);
    const value = encodeStored({
      value: JSON.stringify({ candidate }),
      operation: operationId(env.random.uuid()),
      before: null,
      isNew: false,
    });
    const put = { key, value, lease: BigInt(this.#lease.id) };
    const absent = { key, target: compareTarget.create, createRevision: 0 };
    try {
      await kv.txn({ compare: [absent], success: [{ put }] }, deadlineMs);
    } catch (error) {
      if (!(error instanceof RpcFailed) || !error.wasSent) throw error;
    }
  }

  /** Null when the key or the lease is gone. */
  async wait(): Promise<EtcdLeadership | null> {
    const { signal } = this.#options;
    const wake = (): void => this.#wake.resolve();
    signal.addEventListener('abort', wake);
    this.#lease.ended.addEventListener('abort', wake);
    let watch: Watch | null = null;
    try {
      for (;;) {
        this.#wake = deferred<void>();
        const place = await this.#lookWhileLive();
        signal.throwIfAborted();
        // In one turn with the answer: from here on the lease's own deadline is what counts.
        if (place?.isThere !== true || !this.#lease.isLive()) return null;
        if (place.isFirst) return this.#won(place);
        watch ??= this.#watch(place.revision);
        const timer = this.#options.env.timers.after(lookMs, wake);
        await this.#wake.promise;
        timer.cancel();
      }
    } finally {
      watch?.stop();
      signal.removeEventListener('abort', wake);
      this.#lease.ended.removeEventListener('abort', wake);
    }
  }

  #won({ createRevision, epochBase }: Place): EtcdLeadership {
    const { kv, keyspace, deadlineMs } = this.#options;
    return new EtcdLeadership({
      kv,
      keyspace,
      deadlineMs,
      lease: this.#lease,
      key: this.#key,
      createRevision,
      epoch: epochOf(createRevision, epochBase),
    });
  }

  /** A store that does not answer costs no place in the queue. Null when the lease is over. */
  async #lookWhileLive(): Promise<Place | null> {
    const { leaseChannel, signal } = this.#options;
    for (let failures = 0; this.#lease.isLive() && !signal.aborted; failures += 1) {
      try {
        return await this.#look();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await pause(this.#options, leaseChannel.backoffMs(failures));
      }
    }
    return null;
  }

  async #look(): Promise<Place> {
    const { kv, keyspace } = this.#options;
    const answer = await kv.look([
      { range: { key: keyspace.key(this.#key) } },
      {
        range: {
          ...keyspace.range(candidatePrefix),
          sortOrder: ascending,
          sortTarget: sortByCreateRevision,
          limit: 1,
        },
      },
      { range: { key: keyspace.key(epochBaseKey) } },
    ]);
    const [own, first, base] = answer.responses.map(({ range }) => range?.kvs[0]);
    return {
      isThere: own !== undefined && own.lease === BigInt(this.#lease.id),
      isFirst: own !== undefined && first?.createRevision === own.createRevision,
      createRevision: revision(own?.createRevision ?? 0),
      epochBase: epochBaseIn(base === undefined ? null : decodeStored(epochBaseKey, base).value),
      revision: revision(answer.header?.revision ?? 0),
    };
  }

  #watch(from: Revision): Watch {
    const { env, keyspace, watchChannel, watchProbeMs, deadlineMs } = this.#options;
    return new Watch({
      timers: env.timers,
      log: env.log,
      keyspace,
      channel: watchChannel,
      probeMs: watchProbeMs,
      deadlineMs,
      prefix: candidatePrefix,
      from,
      listener: () => this.#wake.resolve(),
    });
  }
}

/** Ends early when the campaign does. */
function pause({ env, signal }: CampaignOptions, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = env.timers.after(delayMs, end);
    signal.addEventListener('abort', end);
  });
}
