import type { Env } from '../../env/env.ts';

/** Resolves when the time has passed, or the signal fires: look at the signal afterwards. */
export function pause(
  { timers }: Pick<Env, 'timers'>,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = timers.after(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
}

/** A controller that is aborted with `parent`; `unlink` when it is not needed any more. */
export function linkedAbort(parent: AbortSignal): {
  readonly controller: AbortController;
  readonly unlink: () => void;
} {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (parent.aborted) abort();
  else parent.addEventListener('abort', abort, { once: true });
  return { controller, unlink: () => parent.removeEventListener('abort', abort) };
}
