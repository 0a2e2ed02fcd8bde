import type { Mutant } from './mutant.ts';

/** Defects in consensus, and in what the store of the managers makes of it. */
export const raftMutants: readonly Mutant[] = [
  {
    name: 'raft-vote-not-synced',
    summary: 'a vote is answered before the disk holds it',
    edits: [
      {
        file: 'src/store/raft/raft-member.ts',
        find: 'message.entries.length > 0 || snapshot !== null || isVoteNew,',
        replace: 'message.entries.length > 0 || snapshot !== null,',
      },
    ],
    expected: ['consensus'],
    maxSeeds: 300,
    profile: 'raft',
  },
  {
    name: 'raft-append-answered-before-sync',
    summary: 'a follower acknowledges entries that are not on its disk yet',
    edits: [
      {
        file: 'src/store/raft/raft-member.ts',
        find: '    observer?.appending({ entries: message.entries, vote: isVoteNew });\n',
        replace:
          '    observer?.appending({ entries: message.entries, vote: isVoteNew });\n    for (const early of message.responses) if (early.to !== this.#parts.id) host.send(early);\n',
      },
    ],
    expected: ['consensus', 'linearizable', 'acknowledged'],
    maxSeeds: 300,
    profile: 'raft',
  },
  {
    name: 'raft-heartbeat-commit-not-capped',
    summary: 'a heartbeat tells the commit index to members whose log may differ',
    edits: [
      {
        file: 'src/raft/replication.ts',
        find: 'const commit = Math.min(progress.match, raft.log.committed);',
        replace: 'const commit = raft.log.committed;',
      },
    ],
    expected: ['consensus'],
    maxSeeds: 100,
    profile: 'raft',
  },
  {
    name: 'raft-log-matching-unchecked',
    summary: 'a follower appends to an entry that differs from the leader\u2019s',
    edits: [
      {
        file: 'src/raft/raft-log.ts',
        find: 'if (!this.matches(previous.index, previous.term)) return undefined;',
        replace: 'if (previous.index > this.lastIndex()) return undefined;',
      },
    ],
    expected: ['consensus', 'linearizable'],
    maxSeeds: 300,
    profile: 'raft',
  },
  {
    name: 'raft-election-unrestricted',
    summary: 'a vote is granted to a candidate whose log is behind',
    edits: [
      {
        file: 'src/raft/election.ts',
        find: 'if (free && raft.log.isUpToDate({ index: request.index, term: request.logTerm })) {',
        replace: 'if (free) {',
      },
    ],
    expected: ['consensus', 'linearizable', 'acknowledged'],
    maxSeeds: 300,
    profile: 'raft',
  },
  {
    name: 'raft-votes-for-two',
    summary: 'a member grants its vote in a term to whoever asks',
    edits: [
      {
        file: 'src/raft/election.ts',
        find: '    raft.vote === request.from ||\n',
        replace: '    request.term === raft.term ||\n',
      },
    ],
    expected: ['consensus'],
    maxSeeds: 300,
    profile: 'raft',
  },
  {
    name: 'raft-read-without-quorum',
    summary: 'a leader answers reads without asking a quorum whether it still leads',
    edits: [
      {
        file: 'src/raft/reads.ts',
        find: "  if (raft.config.readOnly === 'lease-based') {\n    answerRead(",
        replace: '  if (committed > 0) {\n    answerRead(',
      },
    ],
    expected: ['linearizable', 'leases', 'leaderWrites'],
    maxSeeds: 300,
    profile: 'raft',
  },
  {
    name: 'raft-old-storage-answer-taken',
    summary: 'what a write of an earlier term made durable is believed of the log of now',
    edits: [
      {
        file: 'src/raft/step.ts',
        find: '    if (received.snapshot !== null) snapshotApplied(raft, received.snapshot);\n  } else {',
        replace:
          '    if (received.index !== 0) raft.log.stableTo(received.index, raft.log.termOrZero(received.index));\n    if (received.snapshot !== null) snapshotApplied(raft, received.snapshot);\n  } else {',
      },
    ],
    expected: ['consensus', 'linearizable'],
    maxSeeds: 600,
    profile: 'raft',
  },
  {
    name: 'raft-applied-before-committed',
    summary: 'a member applies what is in its log, whether it is committed or not',
    edits: [
      {
        file: 'src/raft/raft-log.ts',
        find: 'if (allowUnstable) return this.committed;\n    return Math.min(this.committed, this.#unstable.offset - 1);',
        replace: 'if (allowUnstable) return this.committed;\n    return this.#unstable.offset - 1;',
      },
      {
        file: 'src/raft/raft-log.ts',
        find: 'if (index > this.committed || index < this.applied) {',
        replace: 'if (index < this.applied) {',
      },
    ],
    expected: ['consensus', 'linearizable', 'acknowledged'],
    maxSeeds: 100,
    profile: 'raft',
  },
  {
    name: 'raft-unanswered-write-sent-again',
    summary: 'a proposal without an answer is proposed once more',
    edits: [
      {
        file: 'src/store/raft/raft-store.ts',
        find: "        return this.#writes.wait(submission, leftMs, {\n          kind: 'ambiguous',\n          operation: operationId(transaction.operation),\n          detail: 'no answer from a quorum in time',\n        });",
        replace:
          "        const late = { kind: 'ambiguous', operation: operationId(transaction.operation), detail: '' } as const;\n        const said = await this.#writes.wait(submission, leftMs, late);\n        if (said.kind !== 'ambiguous' || this.#member.propose(bytes) !== 'ok') return said;\n        return this.#writes.wait(submission, limits.deadlineMs, late);",
      },
    ],
    expected: ['linearizable', 'acknowledged'],
    maxSeeds: 300,
    profile: 'raft',
  },
  {
    name: 'raft-snapshot-without-members',
    summary: 'a snapshot does not say who belongs to the store',
    edits: [
      {
        file: 'src/store/raft/replica.ts',
        find: 'encodeState(this.#machine.freeze(), members)',
        replace: 'encodeState(this.#machine.freeze(), noMembers)',
      },
    ],
    expected: ['liveness'],
    maxSeeds: 100,
    profile: 'raft',
  },
  {
    name: 'raft-lead-counts-too-long',
    summary: 'a leader believes in itself for longer than an election takes',
    edits: [
      {
        file: 'src/store/raft/timing.ts',
        find: 'return (electionTicks - 1) * tickMs * (1 - rateError);',
        replace: 'return (electionTicks - 1) * tickMs * 4;',
      },
    ],
    expected: ['leases'],
    maxSeeds: 300,
    profile: 'raft',
  },
  {
    name: 'raft-old-term-counted',
    summary: 'an entry of an earlier term counts as committed once a quorum stores it',
    edits: [
      {
        file: 'src/raft/raft-log.ts',
        find: 'if (index <= this.committed || term === 0 || !this.matches(index, term)) return false;',
        replace: 'if (index <= this.committed || term === 0) return false;',
      },
    ],
    expected: ['raftGroup'],
    maxSeeds: 3000,
    profile: null,
    ground: 'raftGroup',
  },
  {
    name: 'raft-read-before-own-entry',
    summary: 'a new leader answers reads before it has committed an entry of its own term',
    edits: [
      {
        file: 'src/raft/reads.ts',
        find: '  } else if (raft.committedInOwnTerm) {',
        replace: '  } else if (raft.term > 0) {',
      },
    ],
    expected: ['raftGroup'],
    maxSeeds: 3000,
    profile: null,
    ground: 'raftGroup',
  },
  {
    name: 'raft-snapshot-keeps-tail',
    summary: 'entries behind an installed snapshot stay, whatever they build on',
    edits: [
      {
        file: 'src/raft/unstable.ts',
        find: '    this.offsetInProgress = this.offset;\n    this.#entries = [];',
        replace:
          '    this.offsetInProgress = this.offset;\n    this.#entries = this.#entries.filter(({ index }) => index > snapshot.index);',
      },
    ],
    expected: ['raftGroup'],
    maxSeeds: 3000,
    profile: null,
    ground: 'raftGroup',
  },
  {
    name: 'raft-vote-forgotten',
    summary: 'a member that restarts knows its term and not whom it voted for',
    edits: [
      {
        file: 'src/raft/raw-node.ts',
        find: '    raft.vote = hardState.vote;\n',
        replace: '',
      },
    ],
    expected: ['raftGroup'],
    maxSeeds: 3000,
    profile: null,
    ground: 'raftGroup',
  },
  {
    name: 'raft-lost-log-same-number',
    summary: 'a member that lost its log comes back under the number with which it has voted',
    edits: [
      {
        file: 'src/core/request/manager.ts',
        find: "  const manager = numbered(draft, { ...known, role: 'learner' });",
        replace: '  const manager = known;\n  draft.put(changed(draft.roster()));',
      },
    ],
    expected: ['consensus', 'linearizable', 'acknowledged', 'crash', 'liveness'],
    maxSeeds: 600,
    profile: 'raft',
  },
];
