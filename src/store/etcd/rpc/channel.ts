import type { ChannelCredentials } from '@grpc/grpc-js';
import type { Clock, Random, Timers } from '../../../env/env.ts';
import type { EtcdEndpoint } from '../settings.ts';
import type { Authenticator } from './authenticator.ts';
import { Connection, type Stream, type StreamEvents } from './connection.ts';
import type { Method } from './methods.ts';
import { isTokenRefused, messageOf, RpcFailed } from './rpc-failed.ts';

export interface ChannelOptions {
  readonly endpoints: readonly EtcdEndpoint[];
  readonly credentials: ChannelCredentials;
  readonly serverName: string | null;
  readonly authenticator: Authenticator;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly timers: Timers;
  readonly random: Random;
}

/** A read is tried at another member before all of its time is gone. */
const readAttempts = 3;
const shortestBackoffMs = 50;
const longestBackoffMs = 1_000;

/**
 * Calls for one purpose: to one member as long as it answers, then to the next one. Each channel
 * has connections of its own, so that what goes wrong on one is not felt on the others, and none
 * has a breaker: a member that failed is tried again when its turn comes.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #connections: readonly Connection[];
  #at: number;
  #isClosed = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#connections = options.endpoints.map(
      (endpoint) => new Connection({ ...options, endpoint }),
    );
    this.#at = Math.floor(options.random.fraction() * this.#connections.length);
  }

  /**
   * One attempt, at one member. A failure with `wasSent: false` had no effect, any other may have
   * had.
   */
  async once<Request, In, Out, Response>(
    method: Method<Request, In, Out, Response>,
    request: In,
    deadlineMs: number,
  ): Promise<Out> {
    const untilMs = this.#now() + deadlineMs;
    const connection = await this.#ready(untilMs);
    const token = await this.#token(connection, untilMs);
    return this.#call(connection, method, request, { timeoutMs: untilMs - this.#now(), token });
  }

  /** As often as there is time for it. Only for calls that change nothing. */
  async read<Request, In, Out, Response>(
    method: Method<Request, In, Out, Response>,
    request: In,
    deadlineMs: number,
  ): Promise<Out> {
    const untilMs = this.#now() + deadlineMs;
    for (let attempt = 0; ; attempt += 1) {
      const leftMs = untilMs - this.#now();
      try {
        return await this.once(method, request, Math.min(leftMs, deadlineMs / readAttempts));
      } catch (error) {
        const backoffMs = this.backoffMs(attempt);
        if (this.#isClosed || this.#now() + backoffMs >= untilMs) throw error;
        // Asking for a token again is all that a refused one needs.
        if (!isTokenRefused(error)) await this.pause(backoffMs);
      }
    }
  }

  /** A stream to a member that is connected. Rejects with `wasSent: false` otherwise. */
  async open<Request, In, Out, Response>(
    method: Method<Request, In, Out, Response>,
    events: StreamEvents<Out>,
    deadlineMs: number,
  ): Promise<Stream<In>> {
    const untilMs = this.#now() + deadlineMs;
    const connection = await this.#ready(untilMs);
    const token = await this.#token(connection, untilMs);
    const onEnd = (failure: RpcFailed): void => {
      if (isTokenRefused(failure)) this.#options.authenticator.forget(token);
      events.onEnd(failure);
    };
    return connection.open(
      method,
      { ...events, onMessage: (m) => events.onMessage(m), onEnd },
      { token },
    );
  }

  /** Why a call to the current member was not even sent. */
  whyNotSent(timeoutMs: number): Promise<string> {
    return this.#current().whyNotReady(timeoutMs);
  }

  /** The next call goes to the next member. */
  rotate(): void {
    this.#at = (this.#at + 1) % this.#connections.length;
  }

  /** Grows with the attempts; spread, so that many clients do not come back at once. */
  backoffMs(attempt: number): number {
    const ceilingMs = Math.min(longestBackoffMs, shortestBackoffMs * 2 ** attempt);
    return ceilingMs * (0.5 + this.#options.random.fraction() / 2);
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.timers.after(delayMs, resolve);
    });
  }

  /** Calls under way fail. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections) connection.close();
  }

  async #call<Request, In, Out, Response>(
    connection: Connection,
    method: Method<Request, In, Out, Response>,
    request: In,
    options: { readonly timeoutMs: number; readonly token: string | null },
  ): Promise<Out> {
    try {
      return await connection.call(method, request, options);
    } catch (error) {
      if (isTokenRefused(error)) this.#options.authenticator.forget(options.token);
      else this.#leave(connection);
      throw error;
    }
  }

  async #token(connection: Connection, untilMs: number): Promise<string | null> {
    try {
      return await this.#options.authenticator.token(connection, untilMs - this.#now());
    } catch (error) {
      this.#leave(connection);
      const code = error instanceof RpcFailed ? error.code : null;
      throw new RpcFailed(`no token: ${messageOf(error)}`, { code, wasSent: false });
    }
  }

  /** A member that is connected, from the current one on, each given its share of the time. */
  async #ready(untilMs: number): Promise<Connection> {
    const shareMs = Math.max(100, (untilMs - this.#now()) / this.#connections.length);
    for (let attempt = 0; ; attempt += 1) {
      if (this.#isClosed) throw new RpcFailed('closed', { code: null, wasSent: false });
      const connection = this.#current();
      try {
        await connection.ready(Math.min(shareMs, untilMs - this.#now()));
        return connection;
      } catch (error) {
        this.#leave(connection);
        const round = Math.floor(attempt / this.#connections.length);
        const backoffMs = this.backoffMs(round);
        if (this.#isClosed || this.#now() + backoffMs >= untilMs) throw error;
        if ((attempt + 1) % this.#connections.length === 0) await this.pause(backoffMs);
      }
    }
  }

  #current(): Connection {
    const connection = this.#connections[this.#at];
    if (connection === undefined) throw new Error('a channel needs an endpoint');
    return connection;
  }

  /** Calls that fail together at one member move on by one member together. */
  #leave(connection: Connection): void {
    if (this.#current() === connection) this.rotate();
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}
