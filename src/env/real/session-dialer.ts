import { once } from 'node:events';
import {
  connect as connectHttp2,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Credentials } from '../../pki/credentials.ts';
import { peerOfSocket, secureContextOptions } from '../../pki/tls.ts';
import type { ConnectResult, NetworkAddress, PeerIdentity } from '../network.ts';
import { SessionChannel } from './session-channel.ts';
import {
  keepAliveDelayMs,
  sessionContentType,
  sessionPath,
  windowBytes,
  type SessionLimits,
} from './session-protocol.ts';

type Failure = Extract<ConnectResult, { kind: 'failed' }>;

export interface DialOptions {
  readonly expectRole: PeerIdentity['role'];
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Dials and opens one session. Nothing is sent before the peer has proven that it belongs to our
 * cluster and has the expected role; host names play no part, because addresses are pinned. Never
 * rejects: every failure is a result, and leaves no connection behind.
 */
export async function dialSession(
  address: NetworkAddress,
  options: DialOptions,
  credentials: Credentials,
  limits: SessionLimits,
): Promise<ConnectResult> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), options.timeoutMs);
  const abort = (): void => end.abort();
  options.signal?.addEventListener('abort', abort, { once: true });
  if (options.signal?.aborted === true) end.abort();
  try {
    return await openSession(address, options, { credentials, limits, signal: end.signal });
  } catch (error) {
    if (options.signal?.aborted === true) return failed('aborted', 'the caller gave up');
    if (end.signal.aborted) return failed('unreachable', `no answer in ${options.timeoutMs} ms`);
    return classify(error);
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', abort);
  }
}

const failed = (because: Failure['because'], detail: string): Failure => ({
  kind: 'failed',
  because,
  detail,
});

/** TLS alerts about our own certificate mean that the peer refuses who we are. */
function classify(error: unknown): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const isRefusal = code.startsWith('ERR_SSL_') && /CERT|UNKNOWN_CA/.test(code);
  const detail = error instanceof Error ? error.message : String(error);
  return failed(isRefusal ? 'identity' : 'unreachable', detail);
}

interface Attempt {
  readonly credentials: Credentials;
  readonly limits: SessionLimits;
  readonly signal: AbortSignal;
}

async function openSession(
  address: NetworkAddress,
  options: DialOptions,
  attempt: Attempt,
): Promise<ConnectResult> {
  attempt.signal.throwIfAborted();
  const socket = connectTls({
    ...secureContextOptions(attempt.credentials),
    host: address.host,
    port: address.port,
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  let result: ConnectResult | null = null;
  try {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveDelayMs);
    await once(socket, 'secureConnect', { signal: attempt.signal });
    result = await speak(socket, options, attempt);
    return result;
  } finally {
    if (result?.kind !== 'connected') {
      // Errors of a connection that nobody waits for any more are of no interest.
      socket.on('error', () => undefined);
      socket.destroy();
    }
  }
}

async function speak(
  socket: TLSSocket,
  options: DialOptions,
  attempt: Attempt,
): Promise<ConnectResult> {
  const nowIso = new Date().toISOString();
  const check = peerOfSocket(socket, attempt.credentials, { nowIso, role: options.expectRole });
  if (check.kind === 'refused') {
    return failed('identity', `the certificate of the peer: ${check.detail}`);
  }
  if (socket.alpnProtocol !== 'h2') return failed('unreachable', 'the peer speaks no HTTP/2');
  const session = connectHttp2('https://kennel', {
    createConnection: () => socket,
    settings: { initialWindowSize: windowBytes, enablePush: false },
  });
  session.on('error', () => undefined);
  session.once('connect', () => session.setLocalWindowSize(windowBytes));
  const stream = session.request(
    { ':method': 'POST', ':path': sessionPath, 'content-type': sessionContentType },
    { endStream: false },
  );
  const answer = await headersOf(stream, attempt.signal);
  if (Number(answer[':status']) === 200) {
    const { limits } = attempt;
    const channel = new SessionChannel({ peer: check.identity, session, stream, limits });
    return { kind: 'connected', channel };
  }
  return refusal(session, stream, answer, attempt.signal);
}

/** The answer's headers. Rejects when the stream ends without any, or at the signal. */
function headersOf(stream: ClientHttp2Stream, signal: AbortSignal): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    stream.once('response', resolve);
    stream.on('error', reject);
    stream.once('close', () => reject(new Error('the peer closed the connection')));
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });
}

async function refusal(
  session: ClientHttp2Session,
  stream: ClientHttp2Stream,
  answer: IncomingHttpHeaders,
  signal: AbortSignal,
): Promise<ConnectResult> {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (part: string) => {
    if (text.length < 1024) text += part;
  });
  stream.end();
  await once(stream, 'end', { signal });
  session.destroy();
  const status = Number(answer[':status']);
  if (status === 401 || status === 403) {
    return failed('identity', `the peer does not accept our certificate: ${text}`);
  }
  return failed('unreachable', `the peer answered HTTP ${status}: ${text}`);
}
