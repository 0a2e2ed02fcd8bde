import {
  decodeConfChange,
  type ChangeKind,
  type MemberChange,
} from '../../src/raft/conf-change.ts';
import { asV2 } from '../../src/raft/conf-change.ts';
import type { Membership, ProgressMap } from '../../src/raft/membership.ts';
import type { Flow, Progress } from '../../src/raft/progress.ts';
import {
  appendThread,
  applyThread,
  type ConfState,
  type Entry,
  type EntryType,
  type HardState,
  type Id,
  type Message,
  type Ready,
  type Role,
  type Snapshot,
} from '../../src/raft/types.ts';
import { goQuote } from './go-quote.ts';

/** The layouts of `reference/raft-text.md`: interface facts of the data-driven suite. */

const roleNames: Record<Role, string> = {
  follower: 'StateFollower',
  candidate: 'StateCandidate',
  leader: 'StateLeader',
  preCandidate: 'StatePreCandidate',
};

const flowNames: Record<Flow, string> = {
  probe: 'StateProbe',
  replicate: 'StateReplicate',
  snapshot: 'StateSnapshot',
};

const entryNames: Record<EntryType, string> = {
  normal: 'EntryNormal',
  confChange: 'EntryConfChange',
  confChangeV2: 'EntryConfChangeV2',
};

const changeLetters: Record<ChangeKind, string> = {
  addVoter: 'v',
  addLearner: 'l',
  remove: 'r',
  update: 'u',
};

export function describeRole(role: Role): string {
  return roleNames[role];
}

export function describeChanges(changes: readonly MemberChange[]): string {
  return changes.map(({ kind, id }) => `${changeLetters[kind]}${id}`).join(' ');
}

/** `v1 l2 r3 u4`. Throws on anything else. */
export function parseChanges(text: string): readonly MemberChange[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const kind = (Object.keys(changeLetters) as ChangeKind[]).find(
        (one) => changeLetters[one] === word[0],
      );
      if (kind === undefined || !/^\d+$/.test(word.slice(1))) {
        throw new Error(`unknown change: ${word}`);
      }
      return { kind, id: Number(word.slice(1)) };
    });
}

export function describeEntry(entry: Entry): string {
  const head = `${entry.term}/${entry.index} ${entryNames[entry.type]}`;
  if (entry.type === 'normal') return `${head} ${goQuote(entry.data ?? new Uint8Array())}`;
  const changes = describeChanges(asV2(decodeConfChange(entry.type, entry.data)).changes);
  return changes === '' ? head : `${head} ${changes}`;
}

export function describeEntries(entries: readonly Entry[]): string {
  return entries.map((entry) => `${describeEntry(entry)}\n`).join('');
}

function list(ids: readonly Id[]): string {
  return `[${ids.join(' ')}]`;
}

export function describeConfState(state: ConfState): string {
  return (
    `Voters:${list(state.voters)} VotersOutgoing:${list(state.votersOutgoing)} ` +
    `Learners:${list(state.learners)} LearnersNext:${list(state.learnersNext)} ` +
    `AutoLeave:${String(state.autoLeave)}`
  );
}

export function describeSnapshot(snapshot: Snapshot): string {
  const { index, term, confState } = snapshot;
  return `Index:${index} Term:${term} ConfState:${describeConfState(confState)}`;
}

export function describeHardState({ term, vote, commit }: HardState): string {
  return `Term:${term}${vote === 0 ? '' : ` Vote:${vote}`} Commit:${commit}`;
}

export function describeTarget(id: Id): string {
  if (id === 0) return 'None';
  if (id === appendThread) return 'AppendThread';
  if (id === applyThread) return 'ApplyThread';
  return id.toString(16);
}

export function describeMessage(message: Message, indent = ''): string {
  const { from, to, type, term, logTerm, index, entries, snapshot } = message;
  let text = `${indent}${describeTarget(from)}->${describeTarget(to)} ${type}`;
  text += ` Term:${term} Log:${logTerm}/${index}`;
  if (message.reject) text += ` Rejected (Hint: ${message.rejectHint})`;
  if (message.commit !== 0) text += ` Commit:${message.commit}`;
  if (message.vote !== 0) text += ` Vote:${message.vote}`;
  if (entries.length === 1) {
    text += ` Entries:[${describeEntry(entries[0] as Entry)}]`;
  } else if (entries.length > 1) {
    text += ' Entries:[';
    for (const entry of entries) text += `\n${indent}  ${describeEntry(entry)}`;
    text += `\n${indent}]`;
  }
  if (snapshot !== null) text += `\n${indent}  Snapshot: ${describeSnapshot(snapshot)}`;
  if (message.responses.length > 0) {
    text += ' Responses:[';
    for (const one of message.responses) text += `\n${describeMessage(one, `${indent}  `)}`;
    text += `\n${indent}]`;
  }
  return text;
}

export function describeReady(ready: Ready): string {
  let text = '';
  if (ready.softState !== null) {
    text += `Lead:${ready.softState.leader} State:${describeRole(ready.softState.role)}\n`;
  }
  if (ready.hardState !== null) text += `HardState ${describeHardState(ready.hardState)}\n`;
  if (ready.readStates.length > 0) {
    const reads = ready.readStates.map(
      ({ index, context }) => `{${index} [${[...context].join(' ')}]}`,
    );
    text += `ReadStates [${reads.join(' ')}]\n`;
  }
  if (ready.entries.length > 0) text += `Entries:\n${describeEntries(ready.entries)}`;
  if (ready.snapshot !== null) text += `Snapshot ${describeSnapshot(ready.snapshot)}\n`;
  if (ready.committedEntries.length > 0) {
    text += `CommittedEntries:\n${describeEntries(ready.committedEntries)}`;
  }
  if (ready.messages.length > 0) {
    text += `Messages:\n${ready.messages.map((one) => `${describeMessage(one)}\n`).join('')}`;
  }
  if (text === '') return '<empty Ready>';
  return `Ready MustSync=${String(ready.mustSync)}:\n${text}`;
}

export function describeProgress(progress: Progress): string {
  let text = `${flowNames[progress.flow]} match=${progress.match} next=${progress.next}`;
  if (progress.isLearner) text += ' learner';
  if (progress.paused) text += ' paused';
  if (progress.pendingSnapshot > 0) text += ` pendingSnap=${progress.pendingSnapshot}`;
  if (!progress.recentActive) text += ' inactive';
  const { count, full } = progress.inflights;
  if (count > 0) text += ` inflight=${count}${full ? '[full]' : ''}`;
  return text;
}

export function describeProgressMap(map: ProgressMap): string {
  return [...map].map(([id, one]) => `${id}: ${describeProgress(one)}\n`).join('');
}

export function describeMajority(ids: readonly Id[]): string {
  return `(${ids.map((id) => id.toString(16)).join(' ')})`;
}

export function describeJoint(incoming: readonly Id[], outgoing: readonly Id[]): string {
  if (outgoing.length === 0) return describeMajority(incoming);
  return `${describeMajority(incoming)}&&${describeMajority(outgoing)}`;
}

export function describeMembership(membership: Membership): string {
  const { incoming, outgoing, learners, learnersNext, autoLeave } = membership;
  let text = `voters=${describeJoint(incoming, outgoing)}`;
  if (learners.length > 0) text += ` learners=${describeMajority(learners)}`;
  if (learnersNext.length > 0) text += ` learners_next=${describeMajority(learnersNext)}`;
  return autoLeave ? `${text} autoleave` : text;
}

/** The table of acknowledged indexes: the longer a bar, the fewer voters are further. */
export function describeAcked(
  voters: readonly Id[],
  ackedOf: (id: Id) => number | undefined,
): string {
  const n = voters.length;
  if (n === 0) return '<empty majority quorum>';
  let text = `${' '.repeat(n)}    idx\n`;
  for (const id of voters) {
    const acked = ackedOf(id);
    const behind = voters.filter((one) => (ackedOf(one) ?? 0) < (acked ?? 0)).length;
    const bar = acked === undefined ? '?' : `${'x'.repeat(behind)}>`;
    const index = String(acked ?? 0).padStart(5);
    text += `${bar.padEnd(n + 1)} ${index}    (id=${id})\n`;
  }
  return text;
}
