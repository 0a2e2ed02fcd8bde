import { message } from './message.ts';
import type { Raft } from './raft.ts';
import { appendThread, applyThread, type Entry, type Message, type Ready } from './types.ts';

type Work = Pick<Ready, 'hardState' | 'entries' | 'snapshot'>;

/** Whether there is anything to write, or a promise that waits for what is being written. */
export function needsAppend(raft: Raft, work: Work): boolean {
  return (
    work.entries.length > 0 ||
    work.hardState !== null ||
    work.snapshot !== null ||
    raft.afterAppend.length > 0
  );
}

/** Work for the append worker, which sends the responses once all of it is durable. */
export function appendMessage(raft: Raft, work: Work): Message {
  const { entries, hardState, snapshot } = work;
  const written = needsAppendResponse(raft, work) ? [appendResponse(raft, work)] : [];
  return message('MsgStorageAppend', appendThread, {
    from: raft.id,
    entries,
    ...hardState,
    snapshot,
    responses: [...raft.afterAppend, ...written],
  });
}

/** Also without new entries: after a change of term older writes must be confirmed in the new one. */
export function needsAppendResponse(raft: Raft, work: Work): boolean {
  return raft.log.hasUnstableEntries || work.snapshot !== null;
}

/**
 * Tells the core what is durable. It bears the term of now and the end of the log of now: as long as
 * the term does not change nothing in the log is replaced, so the word then still holds.
 */
export function appendResponse(raft: Raft, work: Work): Message {
  const last = raft.log.hasUnstableEntries ? raft.log.lastEntryId() : { index: 0, term: 0 };
  return message('MsgStorageAppendResp', raft.id, {
    from: appendThread,
    term: raft.term,
    index: last.index,
    logTerm: last.term,
    snapshot: work.snapshot,
  });
}

/** Work for the apply worker. It belongs to no term: what is committed stays so. */
export function applyMessage(raft: Raft, committed: readonly Entry[]): Message {
  return message('MsgStorageApply', applyThread, {
    from: raft.id,
    entries: committed,
    responses: [applyResponse(raft, committed)],
  });
}

export function applyResponse(raft: Raft, committed: readonly Entry[]): Message {
  return message('MsgStorageApplyResp', raft.id, { from: applyThread, entries: committed });
}
