import type { TimingSettings } from '../model/settings.ts';

/**
 * Time after the last possible lease acknowledgement from which a self-fencing node is certainly
 * down: (L + G + kW)(1 + rho) + tau, in ms (DESIGN §5).
 *
 * `watchdogRounds` is k: 2 when a copy of the open watchdog device outlives the petter, else 3,
 * because closing the device counts as one more pet.
 */
export function selfFenceBoundMs(timing: TimingSettings, watchdogRounds: 2 | 3): number {
  const worstMs = timing.leaseTtlMs + timing.graceMs + watchdogRounds * timing.watchdogMs;
  return worstMs * (1 + timing.clockRateBound) + timing.marginMs;
}

/**
 * Why these timings are unsafe or useless; empty = sound. Checked before settings are committed
 * (FAILURES O8).
 */
export function timingProblems(timing: TimingSettings): readonly string[] {
  const problems: string[] = [];
  if (timing.heartbeatMs * 3 > timing.failAfterMs) {
    problems.push(
      `failAfterMs ${timing.failAfterMs} leaves room for fewer than three heartbeats of ${timing.heartbeatMs} ms`,
    );
  }
  if (timing.leaseTtlMs < timing.heartbeatMs * 4) {
    problems.push(
      `leaseTtlMs ${timing.leaseTtlMs} is shorter than four heartbeats of ${timing.heartbeatMs} ms`,
    );
  }
  if (timing.clockRateBound < 0.001 || timing.clockRateBound > 0.1) {
    problems.push(`clockRateBound ${timing.clockRateBound} is not between 0.001 and 0.1`);
  }
  if (timing.watchdogMs < 2000 || timing.watchdogMs > 60_000 || timing.watchdogMs % 1000 !== 0) {
    problems.push(`watchdogMs ${timing.watchdogMs} is not a number of seconds from 2 to 60`);
  }
  // The petter looks every W/4, so it may begin to kill that much late.
  if (timing.graceMs < timing.watchdogMs / 4 + 1000) {
    problems.push(
      `graceMs ${timing.graceMs} is too short to kill VMs in: at least watchdogMs / 4 + 1000`,
    );
  }
  if (timing.marginMs < 1000) {
    problems.push(`marginMs ${timing.marginMs} does not cover a reset and in-flight I/O`);
  }
  return problems;
}
