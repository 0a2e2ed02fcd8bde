import { adopt, applyConfChange } from './applying.ts';
import { checkConfig } from './check-config.ts';
import { asV2, encodeConfChange, type AnyConfChange } from './conf-change.ts';
import { entriesSize } from './entry-size.ts';
import { invariantBroken } from './invariant.ts';
import { restoreMembership } from './membership.ts';
import { isLocalType, isResponseType, message } from './message.ts';
import { Raft } from './raft.ts';
import { statusOf, type Status } from './status.ts';
import { step, tick } from './step.ts';
import {
  appendMessage,
  appendResponse,
  applyMessage,
  applyResponse,
  needsAppend,
  needsAppendResponse,
} from './storage-messages.ts';
import { traceNode } from './trace.ts';
import {
  isLocalTarget,
  noOne,
  type Config,
  type ConfState,
  type Entry,
  type HardState,
  type Id,
  type Message,
  type Ready,
  type SoftState,
  type StepResult,
} from './types.ts';

/**
 * One member of a Raft group as a plain state machine: no clock, no I/O, no chance of its own. The
 * host feeds it ticks, messages and proposals, and does the work that it finds in each Ready.
 *
 * **The contract, with `advance()`.** While `hasReady()`, take one `ready()` and
 *  1. write `hardState`, `snapshot` and `entries` (which replace whatever the log holds from their
 *     first index on), and sync if `mustSync`;
 *  2. only then send `messages`: votes and acknowledgements among them promise what was written.
 *     A leader's MsgApp could leave before the sync; to tell them apart use asynchronous writes;
 *  3. install `snapshot`, then apply `committedEntries` in order; call `applyConfChange` for every
 *     entry that carries a configuration change, in its turn, even for one that the host refuses
 *     (with a change of member 0), because a leader counts on its being applied;
 *  4. call `advance()`, which lets the node count what it stored itself. No `ready()` before that.
 *
 * **With `asyncStorageWrites`** `advance()` must not be called. `messages` may be sent at once; two of
 * them may be for this node's own workers, whose messages are done strictly in order:
 *  - MsgStorageAppend: if `term` is not 0, (`term`, `vote`, `commit`) is the hard state to write, and
 *    then the snapshot and the entries are written; when all of it is durable its `responses` are sent;
 *  - MsgStorageApply: its entries are applied, then its `responses` are sent.
 * Responses to this node itself are given to `step`. A snapshot is handed out only when no entry is being
 * applied, so that no change of configuration is applied to one that is younger. After a crash nothing that was not durable may
 * have been promised; entries that were committed are handed out again from `applied` on.
 *
 * Node ids are never used again for another log: a member that lost its log comes back as a new one.
 */
export class RawNode {
  readonly #raft: Raft;
  readonly #async: boolean;
  #softState: SoftState;
  #hardState: HardState;
  /** Messages of this node to itself, stepped when the host is done with the Ready. */
  #onAdvance: Message[] = [];

  /** Throws BadConfig. The storage holds what the node knew before, or a first configuration. */
  constructor(config: Config) {
    checkConfig(config);
    const raft = new Raft(config);
    const { hardState, confState } = config.storage.initialState();
    const { log } = raft;
    raft.term = hardState.term;
    raft.vote = hardState.vote;
    traceNode(raft, 'InitState');
    adopt(raft, restoreMembership(confState, log.lastIndex(), raft.inflightLimits));
    // What is in a snapshot or was applied is committed, though the word of that may not have been
    // written before the crash.
    const applied = config.applied ?? 0;
    log.committed = Math.max(hardState.commit, log.committed, applied);
    if (log.committed > log.lastIndex()) {
      throw invariantBroken(
        config.logger,
        `the log ends at ${log.lastIndex()}, before what was committed (${log.committed})`,
      );
    }
    if (applied > 0) log.appliedTo(applied, 0);
    raft.becomeFollower(raft.term, noOne);
    this.#raft = raft;
    this.#async = config.asyncStorageWrites === true;
    this.#softState = raft.softState();
    this.#hardState = raft.hardState();
  }

  /** Time passes: by one unit of `electionTick` and `heartbeatTick`. */
  tick(): void {
    tick(this.#raft);
  }

  /** Stands for election now (through a pre-vote, where that is on). */
  campaign(): StepResult {
    return step(this.#raft, message('MsgHup', this.#raft.id, { from: this.#raft.id }));
  }

  /** Proposes data for the log. `ok` says that it was taken or passed on, not that it will commit. */
  propose(data: Uint8Array): StepResult {
    return this.#propose({ term: 0, index: 0, type: 'normal', data });
  }

  /** Proposes a change of members, which takes effect when it is applied. One at a time is let in. */
  proposeConfChange(change: AnyConfChange): StepResult {
    return this.#propose({ term: 0, index: 0, ...encodeConfChange(change) });
  }

  /** To be called for each committed configuration entry. The configuration from now on. */
  applyConfChange(change: AnyConfChange): ConfState {
    return applyConfChange(this.#raft, asV2(change));
  }

  /** A message arrived. Messages that only a node itself may write are refused from others. */
  step(received: Message): StepResult {
    const fromWorker = isLocalTarget(received.from);
    if (isLocalType(received.type) && !fromWorker) return 'localMessage';
    if (isResponseType(received.type) && !fromWorker && !this.#raft.progress.has(received.from)) {
      return 'unknownPeer';
    }
    return step(this.#raft, received);
  }

  /**
   * Asks for a ReadState with that context: what is committed now, confirmed by a quorum. It may never
   * come (no leader, message lost). Contexts must be unique: a repeated one may join an earlier read
   * that still waits and so see an earlier index.
   */
  readIndex(context: Uint8Array): StepResult {
    const entry: Entry = { term: 0, index: 0, type: 'normal', data: context };
    return step(this.#raft, message('MsgReadIndex', this.#raft.id, { entries: [entry] }));
  }

  /** Whether `ready()` would hold anything. Cheap. */
  hasReady(): boolean {
    const raft = this.#raft;
    const { log } = raft;
    return (
      raft.messages.length > 0 ||
      raft.afterAppend.length > 0 ||
      log.hasNextEntries ||
      log.hasNextCommitted(!this.#async) ||
      raft.readStates.length > 0 ||
      raft.term !== this.#hardState.term ||
      raft.vote !== this.#hardState.vote ||
      log.committed !== this.#hardState.commit ||
      raft.leader !== this.#softState.leader ||
      raft.role !== this.#softState.role ||
      log.nextSnapshot() !== null
    );
  }

  /** The work to be done now, which counts as taken: the next Ready holds what comes after. */
  ready(): Ready {
    if (this.#onAdvance.length > 0) {
      throw invariantBroken(
        this.#raft.logger,
        'a Ready was asked for before the last was advanced',
      );
    }
    const raft = this.#raft;
    const { log } = raft;
    const softState = this.#changedSoftState();
    const hardState = this.#changedHardState();
    const entries = log.nextEntries();
    const snapshot = log.nextSnapshot();
    const committedEntries = log.nextCommitted(!this.#async);
    const work = { hardState, entries, snapshot };
    const mustSync =
      entries.length > 0 ||
      raft.term !== this.#hardState.term ||
      raft.vote !== this.#hardState.vote;
    const messages = this.#async
      ? this.#outgoingAsync(work, committedEntries)
      : this.#outgoing(work, committedEntries);
    const { readStates } = raft;
    const ready = {
      softState,
      hardState,
      readStates,
      entries,
      snapshot,
      committedEntries,
      messages,
      mustSync,
    };
    this.#accept(ready);
    return ready;
  }

  /** The host has done what the last Ready asked for. */
  advance(): void {
    if (this.#async) {
      throw invariantBroken(this.#raft.logger, 'advance() has no place with asynchronous writes');
    }
    const own = this.#onAdvance;
    this.#onAdvance = [];
    for (const one of own) step(this.#raft, one);
  }

  status(): Status {
    return statusOf(this.#raft);
  }

  /** The last message to a peer did not arrive. */
  reportUnreachable(id: Id): void {
    step(this.#raft, message('MsgUnreachable', this.#raft.id, { from: id }));
  }

  /**
   * A snapshot was delivered to a peer, or was not. Must be called once for each MsgSnap, or the peer
   * may be waited for until the leader changes.
   */
  reportSnapshot(id: Id, ok: boolean): void {
    step(this.#raft, message('MsgSnapStatus', this.#raft.id, { from: id, reject: !ok }));
  }

  /** Hands leadership to a voter, within an election timeout or not at all. */
  transferLeader(to: Id): void {
    step(this.#raft, message('MsgTransferLeader', this.#raft.id, { from: to }));
  }

  /** A follower that knows its leader is gone no longer shields it from elections. */
  forgetLeader(): void {
    step(this.#raft, message('MsgForgetLeader', this.#raft.id));
  }

  /** For tests: replaces what was drawn. Lost at the next change of role or term. */
  setRandomizedElectionTimeout(ticks: number): void {
    this.#raft.randomizedElectionTimeout = ticks;
  }

  #propose(entry: Entry): StepResult {
    const { id } = this.#raft;
    return step(this.#raft, message('MsgProp', id, { from: id, entries: [entry] }));
  }

  #changedSoftState(): SoftState | null {
    const { leader, role } = this.#raft;
    if (leader === this.#softState.leader && role === this.#softState.role) return null;
    return { leader, role };
  }

  #changedHardState(): HardState | null {
    const now = this.#raft.hardState();
    const { term, vote, commit } = this.#hardState;
    return now.term === term && now.vote === vote && now.commit === commit ? null : now;
  }

  /** Everything may leave when the host has written; what is for this node waits for `advance()`. */
  #outgoing(work: Pick<Ready, 'hardState' | 'entries' | 'snapshot'>, committed: readonly Entry[]) {
    const raft = this.#raft;
    const { messages } = raft;
    for (const one of raft.afterAppend) {
      if (one.to === raft.id) this.#onAdvance.push(one);
      else messages.push(one);
    }
    if (needsAppendResponse(raft, work)) this.#onAdvance.push(appendResponse(raft, work));
    if (committed.length > 0) this.#onAdvance.push(applyResponse(raft, committed));
    return messages;
  }

  #outgoingAsync(
    work: Pick<Ready, 'hardState' | 'entries' | 'snapshot'>,
    committed: readonly Entry[],
  ) {
    const raft = this.#raft;
    const { messages } = raft;
    if (needsAppend(raft, work)) messages.push(appendMessage(raft, work));
    if (committed.length > 0) messages.push(applyMessage(raft, committed));
    return messages;
  }

  #accept(ready: Ready): void {
    const raft = this.#raft;
    if (ready.softState !== null) this.#softState = ready.softState;
    if (ready.hardState !== null) this.#hardState = ready.hardState;
    raft.readStates = [];
    raft.messages = [];
    raft.afterAppend = [];
    raft.log.acceptUnstable();
    const last = ready.committedEntries.at(-1);
    if (last !== undefined) {
      raft.log.acceptApplying(last.index, entriesSize(ready.committedEntries), !this.#async);
    }
    traceNode(raft, 'Ready');
  }
}
