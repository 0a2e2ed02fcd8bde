/**
 * A signal that aborts at the first SIGINT, SIGTERM or SIGHUP, so that what was made is removed
 * before the process ends. A second one ends it at once; its companions then end by themselves.
 */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      console.error('interrupted; removing what was made');
      controller.abort(new Error('interrupted'));
    });
  }
  return controller.signal;
}
