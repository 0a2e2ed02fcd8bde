import type { Clock, Timers } from '../../../env/env.ts';
import { deferred } from '../../deferred.ts';
import type { EtcdSettings } from '../settings.ts';
import type { Connection } from './connection.ts';
import { methods } from './methods.ts';
import { RpcFailed } from './rpc-failed.ts';

/**
 * A token is replaced at this age, before it can run out (etcd's default is 5 min), so that no
 * write has to learn from its failure that its token was too old.
 */
const refreshMs = 60_000;
/** Checking a password is made to be slow: on a busy server it takes longer than any read. */
const askMs = 10_000;

/** The token of one user, asked for once for all who need it at the same time. */
export class Authenticator {
  readonly #user: EtcdSettings['user'];
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #timers: Timers;
  #token: { readonly text: string; readonly sinceMs: number } | null = null;
  #asking: Promise<string> | null = null;

  constructor(
    user: EtcdSettings['user'],
    env: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly timers: Timers },
  ) {
    this.#user = user;
    this.#clock = env.clock;
    this.#timers = env.timers;
  }

  /**
   * Null where no user is configured. Rejects as the call to `connection` does, or when the time of
   * the caller is up; the question then goes on for whoever comes next.
   */
  async token(connection: Connection, timeoutMs: number): Promise<string | null> {
    const user = this.#user;
    if (user === null) return null;
    const token = this.#token;
    if (token !== null && this.#clock.monotonicMs() - token.sinceMs < refreshMs) return token.text;
    this.#asking ??= this.#ask(user, connection).finally(() => {
      this.#asking = null;
    });
    return this.#within(this.#asking, timeoutMs);
  }

  /** A server did not know this token. */
  forget(token: string | null): void {
    if (this.#token?.text === token) this.#token = null;
  }

  async #ask(user: NonNullable<EtcdSettings['user']>, connection: Connection): Promise<string> {
    const sinceMs = this.#clock.monotonicMs();
    const { token } = await connection.call(
      methods.authenticate,
      { name: user.name, password: user.password },
      { timeoutMs: askMs, token: null },
    );
    this.#token = { text: token, sinceMs };
    return token;
  }

  async #within(asking: Promise<string>, timeoutMs: number): Promise<string> {
    const late = deferred<never>();
    const timer = this.#timers.after(timeoutMs, () => {
      late.reject(new RpcFailed('not in time', { code: null, wasSent: false }));
    });
    try {
      return await Promise.race([asking, late.promise]);
    } finally {
      timer.cancel();
    }
  }
}
