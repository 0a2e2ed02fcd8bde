import type { FenceOperation } from '../model/fence-operation.ts';
import type { NodeId } from '../model/ids.ts';
import {
  certainlyAliveMs,
  peerChannel,
  type PeerChannel,
  peerLostAtMs,
} from '../guard/peer-channel.ts';
import { managerChannel } from '../guard/manager-channel.ts';
import { isSuspect, lateAfterMs } from '../timing/silence.ts';
import type { Draft } from './draft.ts';
import { isAdmitted } from './ownership.ts';

/**
 * Nodes whose agents may be believed about a node: admitted, heard now without a gap, and not that
 * node itself.
 */
function witnessesOf(draft: Draft, node: NodeId): readonly NodeId[] {
  const { observations, state } = draft;
  return draft.nodes().flatMap((other) => {
    if (other.id === node || !isAdmitted(other)) return [];
    const seen = observations.nodes.get(other.id);
    const report = observations.peers.get(other.id);
    const isOfSession =
      report !== undefined &&
      report.incarnation === seen?.incarnation?.id &&
      report.incarnation === other.incarnation?.id;
    return isOfSession && !isSuspect(seen, observations, state.settings.timing) ? [other.id] : [];
  });
}

/**
 * What peer probes, or else other managers, say of the boot that an operation is against. Asks to be
 * called again in time.
 */
export function peersOn(draft: Draft, fence: FenceOperation): PeerChannel {
  const question = {
    node: fence.node,
    bootId: fence.incarnation.bootId,
    witnesses: witnessesOf(draft, fence.node),
    windowMs: draft.state.settings.timing.failAfterMs,
  };
  const lostAtMs = peerLostAtMs(question, draft.observations);
  if (lostAtMs !== null) draft.wakeAt(lostAtMs);
  const peers = peerChannel(question, draft.observations);
  return peers.kind === 'alive' ? peers : (otherManagersOn(draft, question) ?? peers);
}

function otherManagersOn(
  draft: Draft,
  question: Parameters<typeof managerChannel>[0],
): PeerChannel | null {
  const { nowMs, stalls } = draft.observations;
  const heard = managerChannel(question, draft.observations);
  if (heard === null) return null;
  const { by, atMs } = heard;
  draft.wakeAt(atMs + question.windowMs + lateAfterMs(stalls, atMs));
  return { kind: 'alive', by, ageMs: nowMs - atMs };
}

/** When the boot of an operation certainly lived, by its peers; null = none says so. */
export function aliveByPeersMs(draft: Draft, fence: FenceOperation): number | null {
  return certainlyAliveMs(
    {
      node: fence.node,
      bootId: fence.incarnation.bootId,
      witnesses: witnessesOf(draft, fence.node),
    },
    draft.observations,
  );
}

/** The last heartbeat of a node under an operation, or what its peers had from it later. */
export function lastSignOfLifeMs(draft: Draft, fence: FenceOperation): number | null {
  const heardMs = draft.observations.nodes.get(fence.node)?.lastHeartbeatMs ?? null;
  return later(heardMs, aliveByPeersMs(draft, fence));
}

export function later(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}
