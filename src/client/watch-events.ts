import type { IncomingMessage } from 'node:http';
import type { EventView } from '../api/schema/views.ts';
import type { Problem, ProblemCode } from '../core/problem.ts';
import { LineReader } from '../env/real/line-reader.ts';
import { realTimers } from '../env/real/timers.ts';
import { KennelError } from '../errors/kennel-error.ts';
import { certificateProblem } from '../pki/certificate-identity.ts';
import { notUnderstood, reasonOf, unavailable } from './call-problems.ts';
import { withDeadline } from './deadline.ts';
import { readAnswer, sendRequest } from './exchange.ts';
import { jsonOf, problemOf } from './parse-answer.ts';
import type { Route } from './route.ts';
import { describeTarget, type Target } from './target.ts';

export interface WatchOptions {
  readonly signal?: AbortSignal;
  /** Told of every loss of the stream, before it is opened again. */
  readonly onInterruption?: (problem: Problem) => void;
}

/** The manager writes a line every 15 s; three missed ones mean that it is gone. */
const silenceMs = 45_000;
const openMs = 10_000;
const firstPauseMs = 200;
const longestPauseMs = 2000;
const maxLineBytes = 1024 * 1024;

/** Trying again would only meet the same answer. */
const final: ReadonlySet<ProblemCode> = new Set([
  'E_CERTIFICATE',
  'E_FORBIDDEN',
  'E_USAGE',
  'E_NOT_FOUND',
]);

/**
 * Events after a sequence number as they happen, each once and in order. A lost stream is opened
 * again from the last event seen, from the next manager where there are several. Ends when the signal fires; throws `KennelError` for problems
 * that a new try cannot mend.
 */
export async function* watchEvents(
  route: Route,
  after: number,
  options: WatchOptions,
): AsyncGenerator<EventView, void, undefined> {
  const { signal = new AbortController().signal } = options;
  const targets = route.targets();
  let last = after;
  let pauseMs = firstPauseMs;
  for (let turn = 0; !signal.aborted; turn += 1) {
    // Every manager serves the stream, so the next one takes over from the one that was lost.
    const target = targets[turn % targets.length];
    if (target === undefined) break;
    const who = describeTarget(target);
    const opened = await openStream(route, target, last, signal);
    if (signal.aborted) break;
    let lost = opened.kind === 'problem' ? opened.problem : null;
    if (opened.kind === 'open') {
      try {
        for await (const event of eventsOf(who, opened.response, signal)) {
          if (event.sequence <= last) continue;
          last = event.sequence;
          pauseMs = firstPauseMs;
          yield event;
        }
        lost = unavailable(who, 'the stream ended');
      } catch (error) {
        if (error instanceof KennelError) throw error;
        lost = unavailable(who, reasonOf(error));
      } finally {
        opened.response.destroy();
      }
    }
    if (signal.aborted) break;
    if (lost !== null && final.has(lost.code)) throw new KennelError(lost);
    if (lost !== null) options.onInterruption?.(lost);
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

type OpenedStream =
  | { readonly kind: 'open'; readonly response: IncomingMessage }
  | { readonly kind: 'problem'; readonly problem: Problem };

async function openStream(
  route: Route,
  target: Target,
  after: number,
  signal: AbortSignal,
): Promise<OpenedStream> {
  const who = describeTarget(target);
  return withDeadline({ timeoutMs: openMs, signal }, async (ending, reason) => {
    const opened = await route.open(target, ending);
    if (opened.kind === 'refused') {
      return { kind: 'problem', problem: certificateProblem(who, opened.check) };
    }
    if (opened.kind === 'failed') {
      return { kind: 'problem', problem: unavailable(who, reason(opened.error)) };
    }
    try {
      const path = `/v1/watch?after=${after}`;
      const response = await sendRequest(
        opened.socket,
        { method: 'GET', path, body: undefined },
        ending,
      );
      const status = response.statusCode ?? 0;
      if (status === 200) return { kind: 'open', response };
      return await problemOf(who, status, jsonOf(await readAnswer(response)));
    } catch (error) {
      opened.socket.destroy();
      return { kind: 'problem', problem: unavailable(who, reason(error)) };
    }
  });
}

/**
 * The events of one stream. Throws when it breaks off or falls silent, and `KennelError` when a
 * line is no event.
 */
async function* eventsOf(
  who: string,
  response: IncomingMessage,
  signal: AbortSignal,
): AsyncGenerator<EventView, void, undefined> {
  const { answerSchemas } = await import('./answer-schemas.ts');
  const timers = realTimers();
  const silent = (): void => {
    response.destroy(new Error(`nothing was heard for ${silenceMs} ms`));
  };
  const abort = (): void => void response.destroy();
  signal.addEventListener('abort', abort, { once: true });
  let timer = timers.after(silenceMs, silent);
  const reader = new LineReader(maxLineBytes);
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      timer.cancel();
      timer = timers.after(silenceMs, silent);
      const read = reader.push(chunk);
      if (read.kind === 'tooLong') throw new Error('a line is longer than an event can be');
      for (const line of read.lines) {
        if (line === '') continue;
        const event = answerSchemas.event.safeParse(jsonOf(line));
        if (!event.success) throw new KennelError(notUnderstood(who, event.error.message));
        yield event.data;
      }
    }
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', abort);
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = realTimers().after(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
}
