import { realTimers } from '../env/real/timers.ts';
import { reasonOf } from './call-problems.ts';

export interface CallOptions {
  /** The whole call ends within this time; 30 s by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const defaultTimeoutMs = 30_000;

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

/** Resolves after this long, or as soon as the signal fires. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = realTimers().after(ms, end);
    signal?.addEventListener('abort', end, { once: true });
  });
}
