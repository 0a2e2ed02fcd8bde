import type { Clock, Random, Timer, Timers } from '../../env/env.ts';
import type { Log } from '../../env/log.ts';
import { deferred } from '../deferred.ts';
import type { Channel } from './rpc/channel.ts';
import { methods } from './rpc/methods.ts';
import { messageOf, RpcFailed } from './rpc/rpc-failed.ts';

interface LeaseOptions {
  readonly channel: Channel;
  readonly clock: Pick<Clock, 'monotonicMs' | 'boottimeMs'>;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly ttlS: number;
}

/** Clocks may differ in rate by this much (DESIGN §2.5). */
const rateTolerance = 0.01;
/** For the time between a check and the system call that acts on it, and the clock's resolution. */
const marginMs = 100;
const renewalsPerTtl = 6;

/** A moment on both clocks: one stands still while the machine is suspended, one does not. */
interface Moment {
  readonly monotonicMs: number;
  readonly boottimeMs: number;
}

/**
 * A lease of etcd as its holder may count on it: to send of the last acknowledged renewal + TTL·(1−ρ) −
 * margin, on the holder's own clocks. The server counts its TTL from a later moment, so it cannot
 * have let go before. Time in which the machine was suspended counts.
 *
 * Each renewal is a stream of its own with one question and one answer, so no answer can be taken for
 * that of another renewal, and a renewal that is not answered keeps none waiting.
 */
export class Lease {
  readonly id: number;
  readonly #options: LeaseOptions;
  readonly #ended = new AbortController();
  #ttlMs: number;
  #renewedAt: Moment;
  #renewal: Timer | null = null;
  #expiry: Timer | null = null;

  private constructor(options: LeaseOptions, id: number, ttlMs: number, grantedAt: Moment) {
    this.#options = options;
    this.id = id;
    this.#ttlMs = ttlMs;
    this.#renewedAt = grantedAt;
    this.#expireLater();
    this.#renewLater();
  }

  /** Rejects with `RpcFailed`; a lease that was granted all the same runs out by itself. */
  static async grant(options: LeaseOptions): Promise<Lease> {
    const { channel, ttlS, random } = options;
    // Our own choice of id, below 2^47: whoever asks again gets another lease, never the same.
    const id = 1 + Math.floor(random.fraction() * 2 ** 47);
    const sentAt = now(options);
    const request = { id: BigInt(id), ttl: ttlS };
    const granted = await channel.once(methods.leaseGrant, request, (ttlS * 1000) / 2);
    return new Lease(options, id, shorter(ttlS, granted.ttl), sentAt);
  }

  /** Fires when the lease is over, at the latest when it can no longer be counted on. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Synchronous. False for ever once false. */
  isLive(): boolean {
    if (!this.#ended.signal.aborted && this.#leftMs() <= 0) this.end('the lease ran out');
    return !this.#ended.signal.aborted;
  }

  /** Not to be counted on from here on. */
  end(reason: string): void {
    this.#renewal?.cancel();
    this.#expiry?.cancel();
    this.#ended.abort(new Error(reason));
  }

  /** Lets go of it at the server too, as far as that can be reached. Never rejects. */
  async revoke(): Promise<void> {
    this.end('the lease was given back');
    const { channel, ttlS, log } = this.#options;
    try {
      await channel.once(methods.leaseRevoke, { id: BigInt(this.id) }, (ttlS * 1000) / 2);
    } catch (error) {
      log.debug({ because: messageOf(error) }, 'a lease was not given back; it runs out by itself');
    }
  }

  #leftMs(): number {
    const at = now(this.#options);
    const passedMs = Math.max(
      at.monotonicMs - this.#renewedAt.monotonicMs,
      at.boottimeMs - this.#renewedAt.boottimeMs,
    );
    return this.#ttlMs * (1 - rateTolerance) - marginMs - passedMs;
  }

  #expireLater(): void {
    this.#expiry?.cancel();
    if (!this.isLive()) return;
    this.#expiry = this.#options.timers.after(this.#leftMs(), () => this.#expireLater());
  }

  #renewLater(): void {
    this.#renewal?.cancel();
    if (!this.isLive()) return;
    this.#renewal = this.#options.timers.after(this.#ttlMs / renewalsPerTtl, () => {
      // The next one must not wait for this one's answer.
      this.#renewLater();
      void this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const answered = deferred<number>();
    // It may be over before anybody waits for it: while the stream is still being opened.
    answered.promise.catch(() => undefined);
    const { channel, timers, log } = this.#options;
    const withinMs = this.#ttlMs / renewalsPerTtl;
    const deadline = timers.after(withinMs, () => {
      answered.reject(new RpcFailed('no answer to a renewal', { code: null, wasSent: true }));
    });
    const events = {
      onMessage: (answer: { readonly ttl: number }) => answered.resolve(answer.ttl),
      onEnd: (failure: RpcFailed) => answered.reject(failure),
    };
    let sentAt = now(this.#options);
    try {
      const stream = await channel.open(methods.leaseKeepAlive, events, withinMs);
      sentAt = now(this.#options);
      stream.send({ id: BigInt(this.id) });
      try {
        this.#onAnswer(await answered.promise, sentAt);
      } finally {
        stream.cancel();
      }
    } catch (error) {
      channel.rotate();
      log.debug({ because: messageOf(error) }, 'a lease was not renewed');
    } finally {
      deadline.cancel();
    }
  }

  #onAnswer(ttlS: number, sentAt: Moment): void {
    if (this.#ended.signal.aborted) return;
    if (ttlS <= 0) {
      this.end('the lease is gone at the server');
      return;
    }
    if (sentAt.monotonicMs < this.#renewedAt.monotonicMs) return;
    this.#ttlMs = shorter(this.#options.ttlS, ttlS);
    this.#renewedAt = sentAt;
    this.#expireLater();
  }
}

function now({ clock }: Pick<LeaseOptions, 'clock'>): Moment {
  return { monotonicMs: clock.monotonicMs(), boottimeMs: clock.boottimeMs() };
}

/** A server may grant more than it was asked for; what was asked for is enough. In ms. */
function shorter(askedS: number, grantedS: number): number {
  return Math.min(askedS, grantedS) * 1000;
}
