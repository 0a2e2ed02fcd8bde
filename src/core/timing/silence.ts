import type { TimingSettings } from '../model/settings.ts';
import type { NodeObservation, Observations, Stall } from '../observations.ts';

/**
 * Since when a node has been silent as far as this manager can know: its last heartbeat, but not
 * before the manager began to listen.
 */
export function silentSinceMs(
  node: NodeObservation | undefined,
  observations: Pick<Observations, 'observingSinceMs'>,
): number {
  const heard = node?.lastHeartbeatMs ?? null;
  if (heard === null) return observations.observingSinceMs;
  return Math.max(heard, observations.observingSinceMs);
}

/** Lateness of the manager's own ticks after an instant: time in which it could hear nobody. */
export function lateAfterMs(stalls: readonly Stall[], sinceMs: number): number {
  let late = 0;
  for (const stall of stalls) {
    if (stall.endedMs > sinceMs) late += stall.lateMs;
  }
  return late;
}

/**
 * The instant at which a node that stays silent counts as lost. A node that this manager has not
 * heard at all yet gets `reconnectMs` more; the manager's own stalls extend it by their length.
 */
export function lostAtMs(
  node: NodeObservation | undefined,
  observations: Observations,
  timing: TimingSettings,
): number {
  const since = silentSinceMs(node, observations);
  const neverHeard = (node?.lastHeartbeatMs ?? null) === null;
  return (
    since +
    timing.failAfterMs +
    (neverHeard ? timing.reconnectMs : 0) +
    lateAfterMs(observations.stalls, since)
  );
}

export function isLost(
  node: NodeObservation | undefined,
  observations: Observations,
  timing: TimingSettings,
): boolean {
  return observations.nowMs >= lostAtMs(node, observations, timing);
}

/** Silence that makes a node's heartbeats overdue, in ms. */
export function overdueAfterMs(timing: TimingSettings): number {
  return timing.heartbeatMs * 2.5;
}

/** Heartbeats are overdue, though not for long enough to act: shown as `suspect`. */
export function isSuspect(
  node: NodeObservation | undefined,
  observations: Pick<Observations, 'nowMs' | 'observingSinceMs'>,
  timing: TimingSettings,
): boolean {
  return observations.nowMs - silentSinceMs(node, observations) > overdueAfterMs(timing);
}
