import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { Env } from '../../env/env.ts';
import { LineReader } from '../../env/real/line-reader.ts';
import { failureOf, type KubeApi, type KubeAnswer, type KubeRequest } from './kube-api.ts';
import { linkedAbort } from './pause.ts';

/** One request, to its last byte; a watch, to its first. */
const timeoutMs = 30_000;
/** A page of 500 objects of 1 MiB, the largest that etcd takes, would be refused; real ones are far below. */
const maxAnswerBytes = 256 * 1024 * 1024;
const maxLineBytes = 8 * 1024 * 1024;

/** How the API server is reached. `options` is asked per request: tokens and certificates are renewed. */
export interface KubeAccess {
  readonly server: URL;
  /** Certificates, authority, headers, and an agent that keeps connections. */
  options(): Promise<RequestOptions>;
}

/** The API server over HTTPS; its streams are cut into lines of bounded length. */
export function httpsKubeApi(env: Pick<Env, 'timers'>, access: KubeAccess): KubeApi {
  return {
    call: (request) => call(env, access, request),
    watch: (request, onEvent, signal) => watch(env, access, { request, onEvent, signal }),
  };
}

async function watch(
  env: Pick<Env, 'timers'>,
  access: KubeAccess,
  {
    request,
    onEvent,
    signal,
  }: {
    readonly request: Pick<KubeRequest, 'path' | 'query'>;
    readonly onEvent: (event: unknown) => void;
    readonly signal: AbortSignal;
  },
): ReturnType<KubeApi['watch']> {
  const { controller, unlink } = linkedAbort(signal);
  // Servers answer at once, and with the events in their own time.
  const timer = env.timers.after(timeoutMs, () => controller.abort());
  try {
    const opened = await send(access, { method: 'GET', ...request }, controller.signal);
    timer.cancel();
    if (opened.kind === 'failed') return opened;
    if (opened.response.statusCode !== 200) return await refusalOf(opened.response);
    return await readLines(opened.response, onEvent, signal);
  } finally {
    timer.cancel();
    unlink();
  }
}

/** Why a watch was not begun. */
async function refusalOf(response: IncomingMessage): ReturnType<KubeApi['watch']> {
  try {
    const answer = await answerOf(response);
    if (answer.kind === 'failed') return answer;
    return { kind: 'failed', failure: { kind: 'transport', message: 'the answer is no stream' } };
  } catch (error) {
    return { kind: 'failed', failure: { kind: 'transport', message: messageOf(error) } };
  }
}

async function call(
  env: Pick<Env, 'timers'>,
  access: KubeAccess,
  request: KubeRequest,
): Promise<KubeAnswer> {
  const { controller, unlink } = linkedAbort(request.signal ?? new AbortController().signal);
  const timer = env.timers.after(timeoutMs, () => controller.abort());
  try {
    const opened = await send(access, request, controller.signal);
    return opened.kind === 'failed' ? opened : await answerOf(opened.response);
  } catch (error) {
    return lost(request, error);
  } finally {
    timer.cancel();
    unlink();
  }
}

type Opened =
  | { readonly kind: 'open'; readonly response: IncomingMessage }
  | Extract<KubeAnswer, { kind: 'failed' }>;

async function send(
  access: KubeAccess,
  request: KubeRequest,
  signal: AbortSignal,
): Promise<Opened> {
  let options: RequestOptions;
  try {
    options = await access.options();
  } catch (error) {
    return { kind: 'failed', failure: { kind: 'transport', message: messageOf(error) } };
  }
  const { server } = access;
  const query = new URLSearchParams(request.query);
  const path = server.pathname.replace(/\/$/, '') + request.path;
  const body = request.body === undefined ? null : Buffer.from(JSON.stringify(request.body));
  const start = server.protocol === 'http:' ? httpRequest : httpsRequest;
  return new Promise((resolve) => {
    const outgoing: ClientRequest = start({
      ...options,
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port === '' ? undefined : Number(server.port),
      method: request.method,
      path: query.size === 0 ? path : `${path}?${query.toString()}`,
      headers: {
        ...(options.headers as Readonly<Record<string, string>> | undefined),
        accept: 'application/json',
        ...(body === null
          ? {}
          : {
              'content-type': request.contentType ?? 'application/json',
              'content-length': body.length,
            }),
      },
      signal,
    });
    outgoing.once('response', (response) => resolve({ kind: 'open', response }));
    outgoing.on('error', (error) => resolve(lost(request, error)));
    outgoing.end(body ?? undefined);
  });
}

/** A read that came to nothing changed nothing; of a change it is not known, unless nobody was there. */
function lost(request: KubeRequest, error: unknown): Extract<KubeAnswer, { kind: 'failed' }> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const neverSent = request.method === 'GET' || code === 'ECONNREFUSED' || code === 'ENOTFOUND';
  const kind = neverSent ? 'transport' : 'ambiguous';
  return { kind: 'failed', failure: { kind, message: messageOf(error) } };
}

async function answerOf(response: IncomingMessage): Promise<KubeAnswer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > maxAnswerBytes) throw new Error(`the answer is longer than ${maxAnswerBytes} bytes`);
    parts.push(part);
  }
  const status = response.statusCode ?? 0;
  const body = jsonOf(Buffer.concat(parts).toString('utf8'));
  if (status >= 200 && status < 300) return { kind: 'answered', body };
  const retryAfter = Number(response.headers['retry-after'] ?? Number.NaN);
  return {
    kind: 'failed',
    failure: failureOf(status, body, Number.isFinite(retryAfter) ? retryAfter : null),
  };
}

async function readLines(
  response: IncomingMessage,
  onEvent: (event: unknown) => void,
  signal: AbortSignal,
): ReturnType<KubeApi['watch']> {
  const reader = new LineReader(maxLineBytes);
  const broken = (message: string) =>
    ({ kind: 'failed', failure: { kind: 'transport', message } }) as const;
  // Bytes after the last newline: what the end would drop.
  let openBytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      const lastEnd = chunk.lastIndexOf(0x0a);
      openBytes = lastEnd === -1 ? openBytes + chunk.length : chunk.length - lastEnd - 1;
      const read = reader.push(chunk);
      if (read.kind === 'tooLong') {
        response.destroy();
        return broken('a line is longer than an event can be');
      }
      for (const line of read.lines) {
        if (line === '') continue;
        const event = jsonOf(line);
        if (event === undefined) {
          response.destroy();
          return broken('a line is no JSON');
        }
        onEvent(event);
        if (signal.aborted) break;
      }
    }
    return { kind: 'closed', droppedBytes: openBytes };
  } catch (error) {
    return broken(messageOf(error));
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
