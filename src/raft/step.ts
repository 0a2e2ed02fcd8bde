import { appliedTo, snapshotApplied } from './applying.ts';
import { stepCandidate } from './candidate.ts';
import { answerVote, leaderIsFresh, startElection } from './election.ts';
import { entriesSize, payloadSize } from './entry-size.ts';
import { stepFollower } from './follower.ts';
import { stepLeader } from './leader.ts';
import { message } from './message.ts';
import { hex, type Raft } from './raft.ts';
import { traceMessage } from './trace.ts';
import { noOne, type Message, type StepResult } from './types.ts';

/** Any message, from a peer, the host, a storage worker or this node itself. */
export function step(raft: Raft, received: Message): StepResult {
  traceMessage(raft, 'Receive', received);
  if (received.term > raft.term && !enterTerm(raft, received)) return 'ok';
  if (received.term !== 0 && received.term < raft.term) {
    fromEarlierTerm(raft, received);
    return 'ok';
  }
  switch (received.type) {
    case 'MsgHup':
      startElection(raft, raft.config.preVote === true ? 'preElection' : 'election');
      return 'ok';
    case 'MsgStorageAppendResp':
      if (received.index !== 0) raft.log.stableTo(received.index, received.logTerm);
      if (received.snapshot !== null) snapshotApplied(raft, received.snapshot);
      return 'ok';
    case 'MsgStorageApplyResp':
      entriesApplied(raft, received);
      return 'ok';
    case 'MsgVote':
    case 'MsgPreVote':
      answerVote(raft, received);
      return 'ok';
    default:
      if (raft.role === 'leader') return stepLeader(raft, received);
      return raft.role === 'follower'
        ? stepFollower(raft, received)
        : stepCandidate(raft, received);
  }
}

/** A later term is met. False if the message is to be passed over instead. */
function enterTerm(raft: Raft, received: Message): boolean {
  const { type } = received;
  if (type === 'MsgVote' || type === 'MsgPreVote') {
    if (leaderIsFresh(raft, received)) {
      raft.logger.info(`${hex(raft.id)} passes over ${type} of ${hex(received.from)}`);
      return false;
    }
  }
  // Asking for a pre-vote moves nobody, nor does a grant, which bears the term that was asked for.
  // A rejection bears the term of who rejects: that one is real.
  if (type === 'MsgPreVote' || (type === 'MsgPreVoteResp' && !received.reject)) return true;
  const leads = type === 'MsgApp' || type === 'MsgHeartbeat' || type === 'MsgSnap';
  raft.becomeFollower(received.term, leads ? received.from : noOne);
  return true;
}

function fromEarlierTerm(raft: Raft, received: Message): void {
  const { type, from } = received;
  const cautious = raft.config.checkQuorum === true || raft.config.preVote === true;
  if (cautious && (type === 'MsgHeartbeat' || type === 'MsgApp')) {
    // The old leader hears of the later term by this. It could not from a vote request: those are
    // passed over while it is fresh.
    raft.send('MsgAppResp', from);
  } else if (type === 'MsgPreVote') {
    raft.send('MsgPreVoteResp', from, { reject: true });
  } else if (type === 'MsgStorageAppendResp') {
    // Entries written in an earlier term may have been replaced since and written again: only the
    // answer of the term that is current says that no such write is under way. A snapshot is
    // committed state, whatever the term.
    if (received.snapshot !== null) snapshotApplied(raft, received.snapshot);
  } else {
    raft.logger.info(`${hex(raft.id)} ignores ${type} of ${hex(from)} from term ${received.term}`);
  }
}

function entriesApplied(raft: Raft, received: Message): void {
  const last = received.entries.at(-1);
  if (last === undefined) return;
  appliedTo(raft, last.index, entriesSize(received.entries));
  raft.releaseUncommitted(payloadSize(received.entries));
  const held = raft.heldSnapshot;
  if (held === undefined || raft.log.applying > raft.log.applied) return;
  raft.heldSnapshot = undefined;
  step(raft, held);
}

/** One tick of the host's clock. */
export function tick(raft: Raft): void {
  if (raft.role === 'leader') tickLeader(raft);
  else tickElection(raft);
}

function tickElection(raft: Raft): void {
  raft.electionElapsed++;
  if (raft.electionElapsed < raft.randomizedElectionTimeout || !raft.promotable) return;
  raft.electionElapsed = 0;
  step(raft, message('MsgHup', raft.id, { from: raft.id }));
}

function tickLeader(raft: Raft): void {
  raft.heartbeatElapsed++;
  raft.electionElapsed++;
  if (raft.electionElapsed >= raft.config.electionTick) {
    raft.electionElapsed = 0;
    if (raft.config.checkQuorum === true) {
      step(raft, message('MsgCheckQuorum', raft.id, { from: raft.id }));
    }
    // It did not take over in time.
    if (raft.role === 'leader') raft.transferee = noOne;
  }
  if (raft.role !== 'leader') return;
  if (raft.heartbeatElapsed >= raft.config.heartbeatTick) {
    raft.heartbeatElapsed = 0;
    step(raft, message('MsgBeat', raft.id, { from: raft.id }));
  }
}
