import type { BootId, ManagerId, NodeId } from '../model/ids.ts';
import type { Observations, PeerReport } from '../observations.ts';
import { lateAfterMs } from '../timing/silence.ts';

/** What other agents, or managers, say of a node that this manager does not hear. */
export type PeerChannel =
  /** One of them had an answer of that very boot a moment ago. */
  | { readonly kind: 'alive'; readonly by: NodeId | ManagerId; readonly ageMs: number }
  /** None has; those named had answers of it before. */
  | { readonly kind: 'lost'; readonly by: readonly NodeId[] }
  /** Nobody who can be believed ever had one: where probes do not pass, their silence says nothing. */
  | { readonly kind: 'absent' };

export interface PeerQuestion {
  readonly node: NodeId;
  readonly bootId: BootId;
  /** Nodes that may be believed: admitted, and heard by this manager now. Never the node itself. */
  readonly witnesses: readonly NodeId[];
  /** Age at which an answer, or a report, counts no more, in ms. */
  readonly windowMs: number;
}

type Sight = Pick<Observations, 'nowMs' | 'stalls' | 'peers'>;

/**
 * The channel of peer probes (DESIGN §5, detection). A witness counts while its own reports are fresh;
 * the word of a suspect does not, neither on itself nor on others. One witness with a fresh answer
 * is enough for `alive`: the wrong answer keeps a dead node waiting, the other one shoots a living.
 */
export function peerChannel(question: PeerQuestion, seen: Sight): PeerChannel {
  const lostBy: NodeId[] = [];
  let alive: Extract<PeerChannel, { kind: 'alive' }> | null = null;
  for (const witness of question.witnesses) {
    if (witness === question.node) continue;
    const sighting = sightingOf(question, seen.peers.get(witness), seen);
    if (sighting === null) continue;
    if (!isFresh(sighting.atMs, question.windowMs, seen)) {
      lostBy.push(witness);
      continue;
    }
    const ageMs = seen.nowMs - sighting.atMs;
    if (alive === null || ageMs < alive.ageMs) alive = { kind: 'alive', by: witness, ageMs };
  }
  if (alive !== null) return alive;
  return lostBy.length > 0 ? { kind: 'lost', by: lostBy } : { kind: 'absent' };
}

/** When `alive` becomes `lost` unless the node answers somebody again; null = it is not alive. */
export function peerLostAtMs(question: PeerQuestion, seen: Sight): number | null {
  const channel = peerChannel(question, seen);
  if (channel.kind !== 'alive') return null;
  const atMs = seen.nowMs - channel.ageMs;
  return atMs + question.windowMs + lateAfterMs(seen.stalls, atMs);
}

/**
 * The latest instant at which that boot certainly lived by the word of a witness; null = none says
 * so. Unlike an age by receipt it is not moved by a report that waited in a buffer.
 */
export function certainlyAliveMs(
  question: Pick<PeerQuestion, 'node' | 'bootId' | 'witnesses'>,
  seen: Pick<Observations, 'peers'>,
): number | null {
  let latest: number | null = null;
  for (const witness of question.witnesses) {
    if (witness === question.node) continue;
    const sighting = seen.peers.get(witness)?.nodes.get(question.node);
    if (sighting?.bootId !== question.bootId || sighting.certainMs === null) continue;
    if (latest === null || sighting.certainMs > latest) latest = sighting.certainMs;
  }
  return latest;
}

/** An answer of that boot, by a witness that reports now. */
function sightingOf(
  question: PeerQuestion,
  report: PeerReport | undefined,
  seen: Sight,
): { readonly atMs: number } | null {
  if (report === undefined || !isFresh(report.receivedMs, question.windowMs, seen)) return null;
  const sighting = report.nodes.get(question.node);
  if (sighting?.bootId !== question.bootId || sighting.atMs === null) return null;
  return { atMs: sighting.atMs };
}

/** This manager's own stalls extend it: it could hear nobody meanwhile. */
export function isFresh(
  atMs: number,
  windowMs: number,
  seen: Pick<Observations, 'nowMs' | 'stalls'>,
): boolean {
  return seen.nowMs - atMs < windowMs + lateAfterMs(seen.stalls, atMs);
}
