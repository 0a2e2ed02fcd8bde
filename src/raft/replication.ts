import { payloadSize } from './entry-size.ts';
import { invariantBroken } from './invariant.ts';
import type { Progress } from './progress.ts';
import { hex, type Raft } from './raft.ts';
import type { Id } from './types.ts';

/** Appends to everybody, also without entries, so that all learn the commit index. */
export function broadcastAppend(raft: Raft): void {
  for (const to of raft.peers) {
    if (to !== raft.id) sendAppend(raft, to);
  }
}

export function sendAppend(raft: Raft, to: Id): void {
  maybeSendAppend(raft, to, true);
}

/**
 * Sends a peer the entries that it lacks, or a snapshot if the log no longer reaches back to them.
 * False if nothing was sent: the peer is paused, or there is nothing to say and silence was allowed.
 */
export function maybeSendAppend(raft: Raft, to: Id, evenIfEmpty: boolean): boolean {
  const progress = raft.progress.get(to);
  if (progress === undefined || progress.paused) return false;
  const { log } = raft;
  const index = progress.next - 1;
  const logTerm = log.term(index);
  if (typeof logTerm !== 'number') return maybeSendSnapshot(raft, to, progress);
  // With a full window only an empty append goes out: it lets a peer that lost them all answer.
  const throttled = progress.flow === 'replicate' && progress.inflights.full;
  const entries = throttled ? [] : log.entriesFrom(progress.next, raft.config.maxSizePerMsg);
  if (entries.length === 0 && !evenIfEmpty) return false;
  if (typeof entries === 'string') return maybeSendSnapshot(raft, to, progress);
  raft.send('MsgApp', to, { index, logTerm, entries, commit: log.committed });
  progress.sentEntries(entries.length, payloadSize(entries));
  progress.sentCommit(log.committed);
  return true;
}

function maybeSendSnapshot(raft: Raft, to: Id, progress: Progress): boolean {
  if (!progress.recentActive) {
    raft.logger.debug(`${hex(to)} is not heard of, no snapshot is sent to it`);
    return false;
  }
  const snapshot = raft.log.snapshot();
  if (snapshot === 'unavailable') {
    raft.logger.debug(`${hex(raft.id)} has no snapshot ready for ${hex(to)}`);
    return false;
  }
  if (snapshot.index === 0) throw invariantBroken(raft.logger, 'the snapshot to send is empty');
  raft.logger.debug(`${hex(raft.id)} sends snapshot ${snapshot.index} to ${hex(to)}`);
  progress.becomeSnapshot(snapshot.index);
  raft.send('MsgSnap', to, { snapshot });
  return true;
}

/** One round of heartbeats, which also confirm the reads up to the one whose context they carry. */
export function broadcastHeartbeat(raft: Raft, context: Uint8Array | null): void {
  for (const to of raft.peers) {
    if (to === raft.id) continue;
    const progress = raft.progress.get(to) as Progress;
    // Beyond what the peer is known to store its log may differ, so it must not commit there.
    const commit = Math.min(progress.match, raft.log.committed);
    raft.send('MsgHeartbeat', to, { commit, context });
    progress.sentCommit(commit);
  }
}
