import type { BootId } from '../core/model/ids.ts';
import type { NodeRecord } from '../core/model/node.ts';
import type { TimingSettings } from '../core/model/settings.ts';
import type { NodeObservation } from '../core/observations.ts';

/** Two heartbeats: no machine is back with another kernel so soon after its last one. */
const rebootAfterHeartbeats = 2;

export function admittedBootOf(node: NodeRecord | undefined): BootId | null {
  const isAdmitted = node?.phase === 'online' || node?.phase === 'quarantined';
  return isAdmitted ? (node.incarnation?.bootId ?? null) : null;
}

export interface RivalQuestion {
  /** Of the hello. */
  readonly bootId: BootId;
  /** The boot that the node's record has as admitted; null = none, or it is under a fence operation. */
  readonly admitted: BootId | null;
  readonly seen: NodeObservation;
  readonly timing: TimingSettings;
}

/**
 * Why a hello in a node's name is not taken for its next boot; null = it may be. Another boot id is the
 * proof that the one before is over, and a machine whose disk is a copy of the node's has one too
 * (FAILURES N23). So the admitted boot goes first, and another one is taken only when the session that
 * there is does not beat any more. A manager that has just started knows no session: there, whoever
 * dials first is believed.
 */
export function rivalOf(
  { bootId, admitted, seen, timing }: RivalQuestion,
  nowMs: number,
): string | null {
  const { incarnation, lastHeartbeatMs, sessionOpen } = seen;
  if (bootId === admitted || !sessionOpen || incarnation === null || lastHeartbeatMs === null) {
    return null;
  }
  const isHeard = nowMs - lastHeartbeatMs < rebootAfterHeartbeats * timing.heartbeatMs;
  if (incarnation.bootId === bootId || !isHeard) return null;
  return `another boot of it, ${incarnation.bootId}, is heard now`;
}
