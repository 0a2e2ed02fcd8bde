import type { WatchdogAttestation } from '../model/node.ts';
import type { TimingSettings } from '../model/settings.ts';

/** How much later than W a bite test may have measured the reset, ms: it includes the reset itself. */
const measuredSlackMs = 1000;

/**
 * Why a node with this watchdog may not rely on it; empty = it may (DESIGN §5, FAILURES N24, N25).
 * What was never measured counts for nothing: firmware that doubles a timeout says nothing of it.
 */
export function attestationProblems(
  watchdog: WatchdogAttestation,
  timing: Pick<TimingSettings, 'watchdogMs'>,
): readonly string[] {
  const { watchdogMs } = timing;
  const problems: string[] = [];
  if (watchdog.strength !== 'strong') {
    problems.push(`${watchdog.identity} needs a living kernel to reset the node`);
  }
  if (watchdog.timeoutMs !== watchdogMs) {
    problems.push(`its timeout is ${watchdog.timeoutMs} ms, the cluster's is ${watchdogMs} ms`);
  }
  if (!watchdog.nowayout) problems.push('nowayout is off, so a program could disarm it');
  if (watchdog.measuredMs === null) {
    problems.push('no bite test has measured it');
  } else if (watchdog.measuredMs > watchdogMs + measuredSlackMs) {
    problems.push(`it was measured to reset the node after ${watchdog.measuredMs} ms only`);
  }
  return problems;
}

/** W as the bound must take it: what was measured, where that is more than what was set. */
export function boundingWatchdogMs(
  watchdog: WatchdogAttestation,
  timing: Pick<TimingSettings, 'watchdogMs'>,
): number {
  return Math.max(timing.watchdogMs, watchdog.measuredMs ?? 0);
}
