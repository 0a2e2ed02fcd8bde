import type { z } from 'zod';
import type { HttpsResult } from '../../../src/env/https.ts';
import type { FenceContext, FenceError } from '../../driver.ts';
import { fenceError, redact } from '../../fence-error.ts';
import { answerText, exchangeError, parseJson, rootSchema, statusError } from './answer.ts';
import type { RedfishSettings } from './settings.ts';

/** Documents of a system are 10 to 100 KiB. */
const maxBodyBytes = 1_048_576;
/** Kept back of the time of a call, so that its session is closed whatever becomes of it. */
const closeSessionMs = 1500;
const rootPath = '/redfish/v1/';

export type Answer = HttpsResult & { readonly kind: 'answered' };
export type Failed = { readonly kind: 'failed'; readonly error: FenceError };
export type Got<T> = { readonly kind: 'got'; readonly value: T } | Failed;

export interface ClientOptions {
  readonly context: FenceContext;
  readonly settings: RedfishSettings;
  readonly password: string;
  /** SHA-256 of the certificate that every connection must show. */
  readonly pin: string;
}

/**
 * One conversation with a Redfish service within one time limit. Credentials leave only on a
 * connection that showed the pinned certificate.
 */
export class RedfishClient {
  readonly #options: ClientOptions;
  readonly #endMs: number;
  #session: { readonly token: string; readonly path: string | null } | null = null;

  private constructor(options: ClientOptions) {
    this.#options = options;
    const reserveMs = options.settings.auth === 'session' ? closeSessionMs : 0;
    const { env, timeoutMs } = options.context;
    this.#endMs = env.clock.monotonicMs() + Math.max(1, timeoutMs - reserveMs);
  }

  /** Runs `use`, inside a session where the settings want one. The session is always closed. */
  static async with<T>(
    options: ClientOptions,
    use: (client: RedfishClient) => Promise<T>,
  ): Promise<T | Failed> {
    const client = new RedfishClient(options);
    try {
      if (options.settings.auth === 'session') {
        const opened = await client.#openSession();
        if (opened !== null) return opened;
      }
      return await use(client);
    } finally {
      await client.#closeSession();
    }
  }

  /** The service root, which is open to everybody. */
  root(): Promise<Got<z.infer<typeof rootSchema>>> {
    return this.#json(rootPath, rootSchema, {});
  }

  get<T>(path: string, schema: z.ZodType<T>): Promise<Got<T>> {
    return this.#json(path, schema, this.#credentials());
  }

  /** Sends a command once. Anything but a success is an error that says whether it may have acted. */
  async post(
    path: string,
    body: object,
  ): Promise<{ readonly kind: 'accepted'; readonly detail: string } | Failed> {
    const result = await this.#request('POST', path, this.#credentials(), JSON.stringify(body));
    if (result.kind === 'failed') return { kind: 'failed', error: this.#lost(result, 'command') };
    const detail = this.#redact(answerText(result));
    if (result.status >= 200 && result.status < 300) return { kind: 'accepted', detail };
    return { kind: 'failed', error: statusError(result, detail, 'command') };
  }

  async #json<T>(
    path: string,
    schema: z.ZodType<T>,
    headers: Readonly<Record<string, string>>,
  ): Promise<Got<T>> {
    const result = await this.#request('GET', path, headers, null);
    if (result.kind === 'failed') return { kind: 'failed', error: this.#lost(result, 'reading') };
    if (result.status !== 200) {
      const detail = this.#redact(`${path}: ${answerText(result)}`);
      return { kind: 'failed', error: statusError(result, detail, 'reading') };
    }
    const value = parseJson(schema, result.body);
    if (value !== null) return { kind: 'got', value };
    const detail = this.#redact(`${path}: the answer is not what Redfish demands`);
    return { kind: 'failed', error: fenceError('PROTOCOL', detail, 'reading') };
  }

  async #openSession(): Promise<Failed | null> {
    const root = await this.root();
    if (root.kind === 'failed') return root;
    const path = root.value.Links?.Sessions['@odata.id'];
    if (path === undefined) {
      const detail = 'the service offers no sessions; valid: auth=basic';
      return { kind: 'failed', error: fenceError('CONFIG', detail, 'reading') };
    }
    const { settings, password } = this.#options;
    const body = JSON.stringify({ UserName: settings.user, Password: password });
    const result = await this.#request('POST', path, {}, body);
    if (result.kind === 'failed') return { kind: 'failed', error: this.#lost(result, 'reading') };
    const token = result.headers['x-auth-token'];
    if (result.status === 201 && token !== undefined) {
      this.#session = { token, path: pathOf(result.headers['location']) };
      return null;
    }
    const detail = this.#redact(`session: ${answerText(result)}`);
    return { kind: 'failed', error: statusError(result, detail, 'reading') };
  }

  async #closeSession(): Promise<void> {
    const session = this.#session;
    if (session === null || session.path === null) return;
    const { context } = this.#options;
    // Also after an abort: a session that is left open is one fewer for everybody.
    const result = await this.#exchange('DELETE', session.path, this.#credentials(), null, {
      timeoutMs: closeSessionMs,
    });
    if (result.kind === 'answered' && result.status < 300) return;
    context.env.log.warn({ host: this.#options.settings.host }, 'a Redfish session was left open');
  }

  #credentials(): Readonly<Record<string, string>> {
    if (this.#session !== null) return { 'x-auth-token': this.#session.token };
    const { settings, password } = this.#options;
    return { authorization: `Basic ${basic(settings.user, password)}` };
  }

  #request(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | null,
  ): Promise<HttpsResult> {
    const { env, signal } = this.#options.context;
    const timeoutMs = this.#endMs - env.clock.monotonicMs();
    if (timeoutMs <= 0) {
      const detail = 'the time for the call is over';
      return Promise.resolve({ kind: 'failed', because: 'timeout', sent: false, detail });
    }
    const limits = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    return this.#exchange(method, path, headers, body, limits);
  }

  #exchange(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | null,
    limits: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<HttpsResult> {
    const { context, settings, pin } = this.#options;
    return context.env.https.request({
      host: settings.host,
      port: settings.port,
      method,
      path,
      headers: {
        accept: 'application/json',
        'odata-version': '4.0',
        ...(body === null ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body,
      pin,
      maxBodyBytes,
      ...limits,
    });
  }

  #lost(result: HttpsResult & { readonly kind: 'failed' }, during: 'command' | 'reading') {
    return exchangeError({ ...result, detail: this.#redact(result.detail) }, during);
  }

  /** A service may echo what it was sent. */
  #redact(text: string): string {
    const { settings, password, context } = this.#options;
    const token = this.#session?.token ?? '';
    const header = basic(settings.user, password);
    return redact(text, { ...context.secrets, password, token, header });
  }
}

/** The certificate that the service shows, asked for without any credential. */
export async function certificateOf(
  context: FenceContext,
  settings: RedfishSettings,
): Promise<Got<string>> {
  const result = await context.env.https.request({
    host: settings.host,
    port: settings.port,
    method: 'GET',
    path: rootPath,
    headers: { accept: 'application/json' },
    body: null,
    pin: null,
    timeoutMs: context.timeoutMs,
    maxBodyBytes,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  if (result.kind === 'answered') return { kind: 'got', value: result.certificate };
  return { kind: 'failed', error: exchangeError(result, 'reading') };
}

function basic(user: string, password: string): string {
  return Buffer.from(`${user}:${password}`, 'utf8').toString('base64');
}

/** The path of a location, which may be given in full; what it says of the host is not followed. */
function pathOf(location: string | undefined): string | null {
  const path = (location ?? '').replace(/^https?:\/\/[^/]*/, '');
  return /^\/[!-.0-~][!-~]*$/.test(path) ? path : null;
}
