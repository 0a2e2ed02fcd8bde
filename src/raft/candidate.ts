import { countVote } from './election.ts';
import { fromLeader } from './follower.ts';
import type { Raft } from './raft.ts';
import { broadcastAppend } from './replication.ts';
import type { Message, StepResult } from './types.ts';

/** A message reaches a candidate, or one that only asks whether it should be one, in its term. */
export function stepCandidate(raft: Raft, received: Message): StepResult {
  const awaited = raft.role === 'preCandidate' ? 'MsgPreVoteResp' : 'MsgVoteResp';
  switch (received.type) {
    case 'MsgProp':
      return 'proposalDropped';
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      raft.becomeFollower(received.term, received.from);
      fromLeader(raft, received);
      return 'ok';
    case awaited:
      if (countVote(raft, received)) broadcastAppend(raft);
      return 'ok';
    default:
      return 'ok';
  }
}
