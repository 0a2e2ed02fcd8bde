import type { Progress } from './progress.ts';
import { propose } from './proposals.ts';
import { hex, type Raft } from './raft.ts';
import { leaderRead, readConfirmed, releaseEarlyReads } from './reads.ts';
import { broadcastAppend, broadcastHeartbeat, maybeSendAppend, sendAppend } from './replication.ts';
import { noOne, type Message, type StepResult } from './types.ts';

/** A message reaches the leader of its term. */
export function stepLeader(raft: Raft, received: Message): StepResult {
  switch (received.type) {
    case 'MsgBeat':
      broadcastHeartbeat(raft, raft.reads.lastContext());
      return 'ok';
    case 'MsgCheckQuorum':
      checkQuorum(raft);
      return 'ok';
    case 'MsgProp':
      return propose(raft, received.entries);
    case 'MsgReadIndex':
      leaderRead(raft, received);
      return 'ok';
    default: {
      const progress = raft.progress.get(received.from);
      if (progress === undefined) {
        raft.logger.debug(`${hex(raft.id)} tracks no ${hex(received.from)}`);
      } else {
        fromPeer(raft, received, progress);
      }
      return 'ok';
    }
  }
}

function fromPeer(raft: Raft, received: Message, progress: Progress): void {
  switch (received.type) {
    case 'MsgAppResp':
      progress.recentActive = true;
      if (received.reject) appendRejected(raft, received, progress);
      else appendAccepted(raft, received, progress);
      return;
    case 'MsgHeartbeatResp':
      progress.recentActive = true;
      progress.appendsPaused = false;
      // A full window is tried with an empty append: all that fills it may have been lost.
      if (progress.match < raft.log.lastIndex() || progress.flow === 'probe') {
        sendAppend(raft, received.from);
      }
      readConfirmed(raft, received);
      return;
    case 'MsgSnapStatus':
      if (progress.flow !== 'snapshot') return;
      if (received.reject) progress.pendingSnapshot = 0;
      progress.becomeProbe();
      // Delivered: its answer moves things on. Failed: the next heartbeat does.
      progress.appendsPaused = true;
      return;
    case 'MsgUnreachable':
      // What was sent ahead is probably lost.
      if (progress.flow === 'replicate') progress.becomeProbe();
      return;
    case 'MsgTransferLeader':
      transferLeadership(raft, received, progress);
      return;
    default:
      return;
  }
}

function appendRejected(raft: Raft, received: Message, progress: Progress): void {
  // The peer told where its log may still agree, and the term there. Everything of this log with a
  // later term than that is out of the question too, which skips whole terms in one round.
  const hint =
    received.logTerm > 0
      ? raft.log.lastNotAbove(received.rejectHint, received.logTerm).index
      : received.rejectHint;
  if (!progress.retreatFrom(received.index, hint)) return;
  raft.logger.debug(`${hex(raft.id)} goes back to ${progress.next} for ${hex(received.from)}`);
  if (progress.flow === 'replicate') progress.becomeProbe();
  sendAppend(raft, received.from);
}

function appendAccepted(raft: Raft, received: Message, progress: Progress): void {
  const { from, index } = received;
  const agreedInProbe = progress.match === index && progress.flow === 'probe';
  if (!progress.advanceTo(index) && !agreedInProbe) return;
  if (progress.flow === 'probe') {
    progress.becomeReplicate();
  } else if (progress.flow === 'replicate') {
    progress.inflights.freeUpTo(index);
  } else if (progress.match + 1 >= raft.log.firstIndex()) {
    // Wherever its snapshot came from, the log reaches it again. Probing first makes sure that
    // nothing between its match and the snapshot that was pending is skipped.
    progress.becomeProbe();
    progress.becomeReplicate();
  }
  const self = from === raft.id;
  if (raft.maybeCommit()) {
    releaseEarlyReads(raft);
    broadcastAppend(raft);
  } else if (!self && progress.canBumpCommit(raft.log.committed)) {
    sendAppend(raft, from);
  }
  if (!self) {
    while (maybeSendAppend(raft, from, false));
  }
  if (from === raft.transferee && progress.match === raft.log.lastIndex()) {
    raft.send('MsgTimeoutNow', from);
  }
}

/** Whoever hears from no quorum for an election timeout no longer leads. */
function checkQuorum(raft: Raft): void {
  const heard = raft.quorum((id) => {
    if (id === raft.id) return true;
    const progress = raft.progress.get(id);
    return progress !== undefined && progress.recentActive;
  });
  if (heard !== 'won') {
    raft.logger.warn(`${hex(raft.id)} hears from no quorum and steps down`);
    raft.becomeFollower(raft.term, noOne);
  }
  for (const [id, progress] of raft.progress) {
    if (id !== raft.id) progress.recentActive = false;
  }
}

/** `received.from` is who shall lead, whoever asked for it. */
function transferLeadership(raft: Raft, received: Message, progress: Progress): void {
  const to = received.from;
  if (progress.isLearner || raft.transferee === to) return;
  raft.transferee = noOne;
  if (to === raft.id) return;
  raft.logger.info(`${hex(raft.id)} hands leadership to ${hex(to)}`);
  // It has one election timeout to take over.
  raft.electionElapsed = 0;
  raft.transferee = to;
  if (progress.match === raft.log.lastIndex()) raft.send('MsgTimeoutNow', to);
  else sendAppend(raft, to);
}
