import type { Clock } from '../../../env/env.ts';
import type { EtcdSettings } from '../settings.ts';
import type { Connection } from './connection.ts';
import { methods } from './methods.ts';

/**
 * A token is replaced at this age, before it can run out (etcd's default is 5 min), so that no
 * write has to learn from its failure that its token was too old.
 */
const refreshMs = 60_000;

/** The token of one user, asked for once for all who need it at the same time. */
export class Authenticator {
  readonly #user: EtcdSettings['user'];
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #token: { readonly text: string; readonly sinceMs: number } | null = null;
  #asking: Promise<string> | null = null;

  constructor(user: EtcdSettings['user'], clock: Pick<Clock, 'monotonicMs'>) {
    this.#user = user;
    this.#clock = clock;
  }

  /** Null where no user is configured. Rejects as the call to `connection` does. */
  async token(connection: Connection, timeoutMs: number): Promise<string | null> {
    const user = this.#user;
    if (user === null) return null;
    const token = this.#token;
    if (token !== null && this.#clock.monotonicMs() - token.sinceMs < refreshMs) return token.text;
    this.#asking ??= this.#ask(user, connection, timeoutMs).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /** A server did not know this token. */
  forget(token: string | null): void {
    if (this.#token?.text === token) this.#token = null;
  }

  async #ask(
    user: NonNullable<EtcdSettings['user']>,
    connection: Connection,
    timeoutMs: number,
  ): Promise<string> {
    const sinceMs = this.#clock.monotonicMs();
    const { token } = await connection.call(
      methods.authenticate,
      { name: user.name, password: user.password },
      { timeoutMs, token: null },
    );
    this.#token = { text: token, sinceMs };
    return token;
  }
}
