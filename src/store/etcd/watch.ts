import { revision, type Revision } from '../../core/model/ids.ts';
import type { Log } from '../../env/log.ts';
import type { Timer, Timers } from '../../env/env.ts';
import type { WatchBatch, WatchEvent } from '../store.ts';
import type { Keyspace } from './keyspace.ts';
import type { Channel } from './rpc/channel.ts';
import type { Stream } from './rpc/connection.ts';
import { methods } from './rpc/methods.ts';
import {
  eventType,
  type watchRequest,
  type WatchResponse,
  type WireEvent,
} from './rpc/messages.ts';
import type { Encodable } from './rpc/message.ts';
import { messageOf, type RpcFailed } from './rpc/rpc-failed.ts';
import { decodeStored, keyValueOf } from './stored-value.ts';

interface WatchOptions {
  readonly channel: Channel;
  readonly keyspace: Keyspace;
  readonly timers: Timers;
  readonly log: Log;
  readonly probeMs: number;
  readonly deadlineMs: number;
  readonly prefix: string;
  readonly from: Revision;
  readonly listener: (event: WatchEvent) => void;
}

/**
 * One watch, over as many streams as it takes.
 *
 * It starts, and starts again, *at* the last revision that was delivered, and drops what it has
 * already: a server does not answer a progress request of a watch that starts in the future,
 * and one that starts at the compacted revision itself may miss a deletion. What moves the revision is
 * an event that was delivered, or a progress notification for this very watch, which etcd queues
 * behind its events. The answer to a progress request does not: before etcd 3.4.25 and 3.5.8 it
 * may overtake events. It only shows that the stream lives.
 *
 * There is no queue that could run over: an event is delivered in the turn in which it arrives, and
 * gRPC's flow control holds the server back meanwhile.
 */
export class Watch {
  readonly #options: WatchOptions;
  /** All up to and including this revision was delivered. */
  #delivered: number;
  #stream: Stream<Encodable<typeof watchRequest>> | null = null;
  #timer: Timer | null = null;
  #isSilent = false;
  #failures = 0;
  #ended = false;
  #strays = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#delivered = options.from;
    void this.#connect();
  }

  /** Responses that belong to no watch of ours and are no answer to a probe. */
  get strays(): number {
    return this.#strays;
  }

  /** Nothing is delivered from here on. */
  stop(): void {
    this.#ended = true;
    this.#letGo();
  }

  close(reason: string): void {
    this.#finish({ kind: 'closed', reason });
  }

  async #connect(): Promise<void> {
    const { channel, keyspace, prefix, deadlineMs } = this.#options;
    let own: Stream<Encodable<typeof watchRequest>> | null = null;
    const isCurrent = (): boolean => this.#stream === own;
    try {
      own = await channel.open(
        methods.watch,
        {
          onMessage: (response) => {
            if (isCurrent()) this.#onResponse(response);
          },
          onEnd: (failure) => {
            if (isCurrent()) this.#onEnd(failure);
          },
        },
        deadlineMs,
      );
    } catch (error) {
      this.#again(messageOf(error));
      return;
    }
    if (this.#ended) {
      own.cancel();
      return;
    }
    this.#stream = own;
    const startRevision = Math.max(1, this.#delivered);
    own.send({ create: { ...keyspace.range(prefix), startRevision, progressNotify: true } });
    this.#isSilent = false;
    this.#probeLater();
  }

  #onResponse(response: WatchResponse): void {
    if (this.#ended) return;
    this.#isSilent = false;
    if (!response.created) this.#failures = 0;
    if (response.compactRevision > 0) {
      this.#finish({ kind: 'compacted', revision: revision(response.compactRevision) });
    } else if (response.canceled) {
      this.#again(`the watch was cancelled: ${response.cancelReason}`);
    } else if (response.watchId !== 0) {
      // The answer to a probe, or something that nobody asked for.
      this.#strays += response.watchId === -1 ? 0 : 1;
    } else if (!response.created) {
      this.#deliver(response);
    }
  }

  #deliver({ events, header }: WatchResponse): void {
    let batches: readonly WatchBatch[];
    try {
      batches = this.#batchesOf(events);
    } catch (error) {
      this.#finish({ kind: 'closed', reason: messageOf(error) });
      return;
    }
    for (const batch of batches) {
      if (batch.revision <= this.#delivered) continue;
      this.#delivered = batch.revision;
      this.#options.listener({ kind: 'batch', batch });
      // The listener may have stopped this watch.
      if (this.#ended) return;
    }
    // Without events it is a progress notification: nothing is left up to its revision.
    if (events.length === 0) this.#delivered = Math.max(this.#delivered, header?.revision ?? 0);
  }

  /** etcd never splits a revision over two responses, but may put several into one. */
  #batchesOf(events: readonly WireEvent[]): readonly WatchBatch[] {
    const changes = new Map<number, WatchBatch['changes'][number][]>();
    for (const { type, kv } of events) {
      if (kv === null) continue;
      const key = this.#options.keyspace.nameOf(kv.key);
      const current = type === eventType.delete ? null : keyValueOf(decodeStored(key, kv));
      const list = changes.get(kv.modRevision);
      if (list === undefined) changes.set(kv.modRevision, [{ key, current }]);
      else list.push({ key, current });
    }
    return [...changes].map(([at, list]) => ({ revision: revision(at), changes: list }));
  }

  #onEnd(failure: RpcFailed): void {
    this.#again(failure.message);
  }

  /** Asks for a sign of life; without any since the last time, the stream is taken for dead. */
  #probeLater(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.timers.after(this.#options.probeMs, () => {
      if (this.#isSilent) {
        this.#again(`nothing was heard for ${this.#options.probeMs} ms`);
        return;
      }
      this.#isSilent = true;
      this.#stream?.send({ progress: {} });
      this.#probeLater();
    });
  }

  /** Another stream, to the next member, after a while. */
  #again(because: string): void {
    if (this.#ended) return;
    const { channel, timers, log, prefix } = this.#options;
    this.#letGo();
    channel.rotate();
    const delayMs = channel.backoffMs(this.#failures);
    this.#failures += 1;
    log.debug({ prefix, because, revision: this.#delivered }, 'a watch is set up again');
    this.#timer = timers.after(delayMs, () => void this.#connect());
  }

  #finish(event: WatchEvent): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#letGo();
    this.#options.listener(event);
  }

  #letGo(): void {
    this.#timer?.cancel();
    const stream = this.#stream;
    this.#stream = null;
    stream?.cancel();
  }
}
