import { ok, problem, type Outcome } from '../core/problem.ts';
import { realClock } from '../env/real/clock.ts';
import { realTimers } from '../env/real/timers.ts';
import { certificateProblem } from '../pki/certificate-identity.ts';
import type { Credentials } from '../pki/credentials.ts';
import { peerOfSocket, secureContextOptions } from '../pki/tls.ts';
import { ambiguous, reasonOf, unavailable } from './call-problems.ts';
import { readAnswer, sendRequest, type ApiRequest } from './exchange.ts';
import type { RawAnswer } from './parse-answer.ts';
import { describeTarget, type Target } from './target.ts';
import { openVerifiedSocket, type OpenedSocket } from './verified-socket.ts';

export interface Connection {
  readonly target: Target;
  readonly credentials: Credentials;
}

export interface CallOptions {
  /** The whole call ends within this time; 30 s by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const defaultTimeoutMs = 30_000;

/** A connection to a manager of our cluster; anybody else is a refusal. */
export function openConnection(connection: Connection, signal: AbortSignal): Promise<OpenedSocket> {
  const { target, credentials } = connection;
  const nowIso = realClock().wallIso();
  return openVerifiedSocket(target, {
    context: secureContextOptions(credentials),
    verify: (socket) => peerOfSocket(socket, credentials, { nowIso, role: 'manager' }),
    signal,
  });
}

/**
 * One request and its answer. `changes`: it may change something, so losing the answer is
 * E_AMBIGUOUS and not E_UNAVAILABLE. E_CERTIFICATE when the server is not of our cluster.
 */
export function call(
  connection: Connection,
  request: ApiRequest & { readonly changes: boolean },
  options: CallOptions,
): Promise<Outcome<RawAnswer>> {
  return withDeadline(options, async (signal, reason) => {
    const who = describeTarget(connection.target);
    const opened = await openConnection(connection, signal);
    return exchange({ who, opened, request, signal, reason });
  });
}

/** Sends a request on an opened connection and reads the answer. */
export async function exchange(options: {
  readonly who: string;
  readonly opened: OpenedSocket;
  readonly request: ApiRequest & { readonly changes: boolean };
  readonly signal: AbortSignal;
  readonly reason: (error: unknown) => string;
}): Promise<Outcome<RawAnswer>> {
  const { who, opened, request, signal, reason } = options;
  if (opened.kind === 'refused') return problem(certificateProblem(who, opened.check));
  if (opened.kind === 'failed') return problem(unavailable(who, reason(opened.error)));
  try {
    const response = await sendRequest(opened.socket, request, signal);
    return ok({ status: response.statusCode ?? 0, text: await readAnswer(response) });
  } catch (error) {
    const lost = request.changes ? ambiguous : unavailable;
    return problem(lost(who, reason(error)));
  } finally {
    opened.socket.destroy();
  }
}

/** Runs `action` with a signal that fires at the deadline or when the caller gives up. */
export async function withDeadline<T>(
  options: CallOptions,
  action: (signal: AbortSignal, reason: (error: unknown) => string) => Promise<T>,
): Promise<T> {
  const { timeoutMs = defaultTimeoutMs, signal: callers } = options;
  const end = new AbortController();
  const abort = (): void => end.abort();
  const timer = realTimers().after(timeoutMs, abort);
  callers?.addEventListener('abort', abort, { once: true });
  if (callers?.aborted === true) abort();
  const reason = (error: unknown): string => {
    if (callers?.aborted === true) return 'the call was given up';
    return end.signal.aborted ? `there was no answer within ${timeoutMs} ms` : reasonOf(error);
  };
  try {
    return await action(end.signal, reason);
  } finally {
    timer.cancel();
    callers?.removeEventListener('abort', abort);
  }
}
