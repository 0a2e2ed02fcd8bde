import { decodeConfChange, asV2 } from './conf-change.ts';
import { isJoint } from './membership.ts';
import { hex, type Raft } from './raft.ts';
import { broadcastAppend } from './replication.ts';
import { traceChangeConf } from './trace.ts';
import { noOne, type Entry, type StepResult } from './types.ts';

/** Proposals reach the leader. */
export function propose(raft: Raft, entries: readonly Entry[]): StepResult {
  // A leader that was removed leads until it steps down, but takes on nothing new.
  if (!raft.progress.has(raft.id)) return 'proposalDropped';
  if (raft.transferee !== noOne) return 'proposalDropped';
  const lastIndex = raft.log.lastIndex();
  const kept = entries.map((entry, at) =>
    entry.type === 'normal' ? entry : admitConfChange(raft, entry, lastIndex + at + 1),
  );
  if (!raft.appendOwn(kept)) return 'proposalDropped';
  broadcastAppend(raft);
  return 'ok';
}

/** A change that must not be made now becomes an empty entry, so that its proposer sees it pass. */
function admitConfChange(raft: Raft, entry: Entry, index: number): Entry {
  const change = asV2(decodeConfChange(entry.type, entry.data));
  const refused = refusal(raft, change.changes.length === 0);
  if (refused !== undefined && raft.config.disableConfChangeValidation !== true) {
    raft.logger.info(`${hex(raft.id)} ignores a configuration change: ${refused}`);
    return { ...entry, type: 'normal', data: null };
  }
  raft.pendingConfIndex = index;
  traceChangeConf(raft, change);
  return entry;
}

function refusal(raft: Raft, leaves: boolean): string | undefined {
  const joint = isJoint(raft.membership);
  if (raft.pendingConfIndex > raft.log.applied) {
    return `one may stand unapplied at index ${raft.pendingConfIndex}`;
  }
  if (joint && !leaves) return 'the joint configuration must be left first';
  if (!joint && leaves) return 'there is no joint configuration to leave';
  return undefined;
}
