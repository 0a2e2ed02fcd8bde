/**
 * Runs a service until SIGTERM or SIGINT, or until it ends by itself, then lets it go in order.
 * A second signal while it is stopping ends the process at once.
 */
export async function untilStopped(
  ended: Promise<unknown>,
  stop: () => Promise<void>,
): Promise<void> {
  let onSignal: (() => void) | undefined;
  const signalled = new Promise<void>((resolve) => {
    let asked = false;
    onSignal = () => {
      if (asked) process.exit(130);
      asked = true;
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
  try {
    await Promise.race([signalled, ended]);
    await stop();
  } finally {
    if (onSignal !== undefined) {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    }
  }
}
