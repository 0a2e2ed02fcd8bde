import { asciiBytes, asciiText } from './ascii.ts';
import { hex, type Raft } from './raft.ts';
import type { Message, MessageType } from './types.ts';
import { noOne } from './types.ts';

/** `transfer`: the leader asked for it, so nobody holds the vote back because that leader is fresh. */
type Campaign = 'preElection' | 'election' | 'transfer';

const transferMark = 'CampaignTransfer';

/** This node wants to lead. */
export function startElection(raft: Raft, campaign: Campaign): void {
  if (raft.role === 'leader') return;
  if (!raft.promotable) {
    raft.logger.warn(`${hex(raft.id)} is no voter with a whole log and can't campaign`);
    return;
  }
  if (raft.log.hasUnappliedConfChange(raft.config.maxSizePerMsg)) {
    raft.logger.warn(`${hex(raft.id)} has a configuration change to apply before it may campaign`);
    return;
  }
  raft.logger.info(`${hex(raft.id)} starts an election at term ${raft.term}`);
  askForVotes(raft, campaign);
}

function askForVotes(raft: Raft, campaign: Campaign): void {
  const pre = campaign === 'preElection';
  if (pre) raft.becomePreCandidate();
  else raft.becomeCandidate();
  const term = pre ? raft.term + 1 : raft.term;
  const last = raft.log.lastEntryId();
  const context = campaign === 'transfer' ? asciiBytes(transferMark) : null;
  for (const to of raft.voters) {
    // The own vote counts like any other: when it is durable.
    if (to === raft.id) {
      raft.send(pre ? 'MsgPreVoteResp' : 'MsgVoteResp', to, { term });
    } else {
      const fields = { term, index: last.index, logTerm: last.term, context };
      raft.send(pre ? 'MsgPreVote' : 'MsgVote', to, fields);
    }
  }
}

/** An answer to this candidate: true if it won leadership by it. */
export function countVote(raft: Raft, answer: Message): boolean {
  if (!raft.votes.has(answer.from)) raft.votes.set(answer.from, !answer.reject);
  const result = raft.tally();
  const verb = answer.reject ? 'rejected' : 'granted';
  raft.logger.info(`${hex(raft.id)} was ${verb} a vote by ${hex(answer.from)}: ${result}`);
  if (result === 'lost') raft.becomeFollower(raft.term, noOne);
  if (result !== 'won') return false;
  if (raft.role === 'preCandidate') {
    askForVotes(raft, 'election');
    return false;
  }
  raft.becomeLeader();
  return true;
}

/** Whether a request for votes must be passed over: this node hears a leader, and nobody sent it off. */
export function leaderIsFresh(raft: Raft, request: Message): boolean {
  if (raft.config.checkQuorum !== true || raft.leader === noOne) return false;
  if (raft.electionElapsed >= raft.config.electionTick) return false;
  return request.context === null || asciiText(request.context) !== transferMark;
}

/** Somebody asks for this node's vote, in this node's term or, for a pre-vote, in a later one. */
export function answerVote(raft: Raft, request: Message): void {
  const pre = request.type === 'MsgPreVote';
  const answer: MessageType = pre ? 'MsgPreVoteResp' : 'MsgVoteResp';
  const free =
    raft.vote === request.from ||
    (raft.vote === noOne && raft.leader === noOne) ||
    (pre && request.term > raft.term);
  if (free && raft.log.isUpToDate({ index: request.index, term: request.logTerm })) {
    raft.logger.info(`${hex(raft.id)} grants ${request.type} to ${hex(request.from)}`);
    // The term of the request: a pre-vote is for a term that this node has not entered.
    raft.send(answer, request.from, { term: request.term });
    if (!pre) {
      raft.electionElapsed = 0;
      raft.vote = request.from;
    }
  } else {
    raft.logger.info(`${hex(raft.id)} rejects ${request.type} of ${hex(request.from)}`);
    raft.send(answer, request.from, { term: raft.term, reject: true });
  }
}
