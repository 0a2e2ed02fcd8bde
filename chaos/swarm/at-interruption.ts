const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const acts = new Set<() => void>();

/**
 * Calls `act` when a signal is about to end this process, which then ends as it would have without.
 * Returns how to take that back; with nothing left to do, nobody listens for signals.
 */
export function atInterruption(act: () => void): () => void {
  if (acts.size === 0) for (const each of signals) process.on(each, interrupted);
  acts.add(act);
  return () => {
    if (acts.delete(act) && acts.size === 0) ignoreSignals();
  };
}

function interrupted(signal: NodeJS.Signals): void {
  ignoreSignals();
  // The latest first, as they would be undone.
  for (const act of [...acts].reverse()) act();
  acts.clear();
  process.kill(process.pid, signal);
}

function ignoreSignals(): void {
  for (const each of signals) process.off(each, interrupted);
}
