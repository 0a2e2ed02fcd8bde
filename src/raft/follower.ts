import { adopt } from './applying.ts';
import { startElection } from './election.ts';
import { restoreMembership } from './membership.ts';
import { hex, type Raft } from './raft.ts';
import { followerReadAnswered } from './reads.ts';
import { noOne, type Id, type Message, type Snapshot, type StepResult } from './types.ts';

/** A message reaches a follower in its term. */
export function stepFollower(raft: Raft, received: Message): StepResult {
  switch (received.type) {
    case 'MsgProp':
      if (raft.leader === noOne || raft.config.disableProposalForwarding === true) {
        return 'proposalDropped';
      }
      passToLeader(raft, received);
      return 'ok';
    case 'MsgTransferLeader':
    case 'MsgReadIndex':
      if (raft.leader !== noOne) passToLeader(raft, received);
      return 'ok';
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      raft.electionElapsed = 0;
      raft.leader = received.from;
      fromLeader(raft, received);
      return 'ok';
    case 'MsgForgetLeader':
      forgetLeader(raft);
      return 'ok';
    case 'MsgTimeoutNow':
      // No pre-vote: who leads wants this.
      startElection(raft, 'transfer');
      return 'ok';
    case 'MsgReadIndexResp':
      followerReadAnswered(raft, received);
      return 'ok';
    default:
      return 'ok';
  }
}

/** What the leader of this term says to whoever follows it. */
export function fromLeader(raft: Raft, received: Message): void {
  if (received.type === 'MsgApp') {
    append(raft, received);
  } else if (received.type === 'MsgSnap') {
    // It brings its own configuration, to which changes that stand before it must not be applied.
    if (raft.log.applying > raft.log.applied) raft.heldSnapshot = received;
    else install(raft, received.from, received.snapshot);
  } else {
    raft.log.commitTo(received.commit);
    raft.send('MsgHeartbeatResp', received.from, { context: received.context });
  }
}

function passToLeader(raft: Raft, received: Message): void {
  const { from, index, entries, context } = received;
  raft.send(received.type, raft.leader, { from, index, entries, context });
}

/** Without a leader a follower may grant a vote that it would hold back while one is fresh. */
function forgetLeader(raft: Raft): void {
  if (raft.config.readOnly === 'lease-based') {
    raft.logger.error('a leader that serves reads by its lease is not forgotten');
    return;
  }
  if (raft.leader === noOne) return;
  raft.logger.info(`${hex(raft.id)} forgets leader ${hex(raft.leader)}`);
  raft.leader = noOne;
}

function append(raft: Raft, received: Message): void {
  const { log } = raft;
  const { from, index, logTerm } = received;
  if (index < log.committed) {
    raft.send('MsgAppResp', from, { index: log.committed });
    return;
  }
  const last = log.maybeAppend({ index, term: logTerm }, received.entries, received.commit);
  if (last !== undefined) {
    raft.send('MsgAppResp', from, { index: last });
    return;
  }
  // What comes after the last entry whose term is not above the leader's can't be shared: let the
  // leader skip it all.
  const hint = log.lastNotAbove(Math.min(index, log.lastIndex()), logTerm);
  raft.logger.debug(`${hex(raft.id)} has no entry ${index} of term ${logTerm}`);
  const rejected = { index, reject: true, rejectHint: hint.index, logTerm: hint.term };
  raft.send('MsgAppResp', from, rejected);
}

function install(raft: Raft, from: Id, snapshot: Snapshot | null): void {
  const installed = snapshot !== null && restore(raft, snapshot);
  const index = installed ? raft.log.lastIndex() : raft.log.committed;
  raft.logger.info(`${hex(raft.id)} ${installed ? 'takes' : 'ignores'} a snapshot, is at ${index}`);
  raft.send('MsgAppResp', from, { index });
}

/** Replaces log and configuration by a snapshot. False if that would gain nothing. */
function restore(raft: Raft, snapshot: Snapshot): boolean {
  const { log } = raft;
  if (snapshot.index <= log.committed) return false;
  const { confState } = snapshot;
  const member = [confState.voters, confState.learners, confState.votersOutgoing].some((ids) =>
    ids.includes(raft.id),
  );
  if (!member) {
    raft.logger.warn(`${hex(raft.id)} is in no configuration of snapshot ${snapshot.index}`);
    return false;
  }
  if (log.matches(snapshot.index, snapshot.term)) {
    // The log holds what the snapshot does and perhaps more: nothing to replace.
    log.commitTo(snapshot.index);
    return false;
  }
  log.restore(snapshot);
  adopt(raft, restoreMembership(confState, log.lastIndex(), raft.inflightLimits));
  const own = raft.progress.get(raft.id);
  own?.advanceTo(own.next - 1);
  return true;
}
