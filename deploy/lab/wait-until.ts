import { setTimeout as delay } from 'node:timers/promises';
import { LabError } from './lab-error.ts';

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Pause between two probes. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Probes until the answer is neither null, undefined nor false, and returns it.
 *
 * @throws LabError LAB_TIMEOUT when the deadline passes first; the signal's reason when aborted.
 */
export async function waitUntil<T>(
  what: string,
  probe: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, null | undefined | false>> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const answer = await probe();
    if (answer !== null && answer !== undefined && answer !== false) {
      return answer as Exclude<T, null | undefined | false>;
    }
    if (performance.now() > deadline) {
      throw new LabError(
        'LAB_TIMEOUT',
        `waited in vain: ${what}`,
        `not the case after ${options.timeoutMs} ms`,
        'look at the logs in the lab directory',
      );
    }
    await delay(options.everyMs ?? 20);
  }
}
