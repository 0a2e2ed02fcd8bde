import { pathOf, type ConfChangeV2 } from './conf-change.ts';
import { invariantBroken } from './invariant.ts';
import { confStateOf, type Tracked } from './membership.ts';
import { MembershipChanger } from './membership-changer.ts';
import { propose } from './proposals.ts';
import { hex, type Raft } from './raft.ts';
import { broadcastAppend, maybeSendAppend } from './replication.ts';
import { traceApplyConfChange } from './trace.ts';
import { noOne, type ConfState, type Snapshot } from './types.ts';

/** The host has applied entries up to `index`, of `size` bytes. */
export function appliedTo(raft: Raft, index: number, size: number): void {
  const newest = Math.max(index, raft.log.applied);
  raft.log.appliedTo(newest, size);
  if (!raft.membership.autoLeave || raft.role !== 'leader' || newest < raft.pendingConfIndex)
    return;
  const leave = { term: 0, index: 0, type: 'confChangeV2', data: null } as const;
  const result = propose(raft, [leave]);
  raft.logger.info(`${hex(raft.id)} proposes to leave the joint configuration: ${result}`);
}

/** The host has installed a snapshot. */
export function snapshotApplied(raft: Raft, snapshot: Snapshot): void {
  raft.log.stableSnapshotTo(snapshot.index);
  appliedTo(raft, snapshot.index, 0);
}

/** A committed configuration change takes effect. */
export function applyConfChange(raft: Raft, change: ConfChangeV2): ConfState {
  const changer = new MembershipChanger(raft, raft.log.lastIndex(), raft.inflightLimits);
  const path = pathOf(change);
  const changed =
    path.kind === 'leave'
      ? changer.leaveJoint()
      : path.kind === 'simple'
        ? changer.simple(change.changes)
        : changer.enterJoint(path.autoLeave, change.changes);
  if ('refused' in changed) {
    throw invariantBroken(raft.logger, `a committed change can't be made: ${changed.refused}`);
  }
  adopt(raft, changed);
  return confStateOf(raft.membership);
}

/** From now on this configuration holds; a leader does what follows from it. */
export function adopt(raft: Raft, tracked: Tracked): void {
  traceApplyConfChange(raft, tracked.membership.incoming);
  raft.setTracked(tracked);
  raft.logger.info(`${hex(raft.id)} switched to voters ${raft.voters.map(hex).join(' ')}`);
  const removed = !raft.progress.has(raft.id) || raft.isLearner;
  if (raft.role === 'leader' && removed) {
    if (raft.config.stepDownOnRemoval === true) raft.becomeFollower(raft.term, noOne);
    return;
  }
  if (raft.role !== 'leader' || raft.membership.incoming.length === 0) return;
  if (raft.maybeCommit()) {
    broadcastAppend(raft);
  } else {
    // New members would otherwise wait for the next heartbeat.
    for (const to of raft.peers) {
      if (to !== raft.id) maybeSendAppend(raft, to, false);
    }
  }
  if (raft.transferee !== noOne && !raft.voters.includes(raft.transferee)) raft.transferee = noOne;
}
