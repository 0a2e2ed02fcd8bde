import type { Raft } from './raft.ts';
import { broadcastHeartbeat } from './replication.ts';
import { readContext } from './read-queue.ts';
import { noOne, type Message } from './types.ts';

/** A read reaches the leader. */
export function leaderRead(raft: Raft, request: Message): void {
  const { incoming, outgoing } = raft.membership;
  if (incoming.length === 1 && outgoing.length === 0) {
    answerRead(raft, request, raft.log.committed);
  } else if (raft.committedInOwnTerm) {
    confirmRead(raft, request);
  } else {
    // Until then a predecessor may have committed what this leader does not know to be committed.
    raft.earlyReads.push(request);
  }
}

/** The leader committed its first entry: reads that waited for it go on. */
export function releaseEarlyReads(raft: Raft): void {
  if (raft.earlyReads.length === 0) return;
  if (!raft.committedInOwnTerm) {
    raft.logger.error('reads wait for an entry of this term, which is not committed yet');
    return;
  }
  const waiting = raft.earlyReads;
  raft.earlyReads = [];
  for (const request of waiting) confirmRead(raft, request);
}

/** A peer confirmed a heartbeat, and with it the reads up to its context. */
export function readConfirmed(raft: Raft, answer: Message): void {
  const { context } = answer;
  if (raft.config.readOnly === 'lease-based' || context === null || context.length === 0) return;
  const read = raft.reads.acknowledge(answer.from, context);
  if (raft.quorum((id) => read?.acks.get(id)) !== 'won' || read === undefined) return;
  for (const { request, index } of raft.reads.takeThrough(read)) answerRead(raft, request, index);
}

function confirmRead(raft: Raft, request: Message): void {
  const { committed } = raft.log;
  if (raft.config.readOnly === 'lease-based') {
    answerRead(raft, request, committed);
    return;
  }
  const context = readContext(request);
  raft.reads.add(committed, request);
  raft.reads.acknowledge(raft.id, context);
  broadcastHeartbeat(raft, context);
}

function answerRead(raft: Raft, request: Message, index: number): void {
  if (request.from === noOne || request.from === raft.id) {
    raft.readStates.push({ index, context: readContext(request) });
  } else {
    raft.send('MsgReadIndexResp', request.from, { index, entries: request.entries });
  }
}

/** The answer to a read that a follower passed on. */
export function followerReadAnswered(raft: Raft, answer: Message): void {
  const [only] = answer.entries;
  if (only === undefined || answer.entries.length > 1) {
    raft.logger.error(`a read answer with ${answer.entries.length} contexts is ignored`);
    return;
  }
  raft.readStates.push({ index: answer.index, context: readContext(answer) });
}
