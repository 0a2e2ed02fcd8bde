import { payloadSize } from './entry-size.ts';
import { invariantBroken } from './invariant.ts';
import {
  allVoters,
  nobody,
  type InflightLimits,
  type Membership,
  type ProgressMap,
  type Tracked,
} from './membership.ts';
import { message, waitsForPersistence } from './message.ts';
import { Progress } from './progress.ts';
import { Inflights } from './inflights.ts';
import { jointIndex, jointVote, type VoteResult } from './quorum.ts';
import { RaftLog } from './raft-log.ts';
import { ReadQueue } from './read-queue.ts';
import { traceMessage, traceNode, traceReplicate } from './trace.ts';
import {
  noOne,
  type Config,
  type Entry,
  type HardState,
  type Id,
  type Logger,
  type Message,
  type MessageType,
  type ReadState,
  type Role,
  type SoftState,
} from './types.ts';

type Outgoing = Partial<Omit<Message, 'type' | 'to'>>;

/**
 * The state of one member, and the few transitions that everything else is made of. What a message
 * does to it stands in the file of the role that receives it.
 */
export class Raft {
  readonly id: Id;
  readonly config: Config;
  readonly logger: Logger;
  readonly log: RaftLog;
  readonly inflightLimits: InflightLimits;

  term = 0;
  vote: Id = noOne;
  leader: Id = noOne;
  role: Role = 'follower';

  membership: Membership = nobody;
  progress: ProgressMap = new Map();
  /** Everybody tracked, ascending: the order in which peers are always visited. */
  peers: readonly Id[] = [];
  /** Voters of both halves, ascending. */
  voters: readonly Id[] = [];
  isLearner = false;
  readonly votes = new Map<Id, boolean>();

  /** Free to leave at once. */
  messages: Message[] = [];
  /** Promises: they leave when everything unstable now is durable. */
  afterAppend: Message[] = [];
  readStates: ReadState[] = [];

  electionElapsed = 0;
  heartbeatElapsed = 0;
  randomizedElectionTimeout = 0;

  /** Whom leadership is being handed to; proposals are refused meanwhile. */
  transferee: Id = noOne;
  /** No configuration change is taken before this index is applied: at most one is under way. */
  pendingConfIndex = 0;
  #uncommittedSize = 0;
  readonly reads = new ReadQueue();
  /** A snapshot that came while entries before it were being applied. */
  heldSnapshot: Message | undefined;
  /** Reads that came before the leader committed an entry of its own term. */
  earlyReads: Message[] = [];

  constructor(config: Config) {
    this.id = config.id;
    this.config = config;
    this.logger = config.logger;
    this.log = new RaftLog(
      config.storage,
      config.logger,
      orUnlimited(config.maxCommittedSizePerReady ?? config.maxSizePerMsg),
    );
    this.inflightLimits = {
      count: config.maxInflightMsgs,
      bytes: orUnlimited(config.maxInflightBytes),
    };
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  softState(): SoftState {
    return { leader: this.leader, role: this.role };
  }

  setTracked(tracked: Tracked): void {
    this.membership = tracked.membership;
    this.progress = tracked.progress;
    this.peers = [...tracked.progress.keys()];
    this.voters = allVoters(tracked.membership);
    const own = tracked.progress.get(this.id);
    this.isLearner = own !== undefined && own.isLearner;
  }

  /** Whether this node may become leader: a voter whose log is not being replaced. */
  get promotable(): boolean {
    const own = this.progress.get(this.id);
    return own !== undefined && !own.isLearner && !this.log.hasUnstableSnapshot;
  }

  /** Queues a message in this node's name and, where the type belongs to a term, in its term. */
  send(type: MessageType, to: Id, fields: Outgoing = {}): void {
    const from = fields.from === undefined || fields.from === noOne ? this.id : fields.from;
    const sent = message(type, to, fields, from, fields.term ?? this.#termOf(type));
    if (waitsForPersistence(type)) {
      this.afterAppend.push(sent);
    } else {
      if (to === this.id) throw invariantBroken(this.logger, `${type} is addressed to its sender`);
      this.messages.push(sent);
    }
    traceMessage(this, 'Send', sent);
  }

  becomeFollower(term: number, leader: Id): void {
    this.reset(term);
    this.leader = leader;
    this.role = 'follower';
    this.logger.info(`${hex(this.id)} became follower at term ${this.term}`);
    traceNode(this, 'BecomeFollower');
  }

  becomePreCandidate(): void {
    if (this.role === 'leader') throw invariantBroken(this.logger, 'a leader asks for pre-votes');
    // Neither term nor vote change: who only asks must be able to go on as if nothing had been.
    this.votes.clear();
    this.leader = noOne;
    this.role = 'preCandidate';
    this.logger.info(`${hex(this.id)} became pre-candidate at term ${this.term}`);
  }

  becomeCandidate(): void {
    if (this.role === 'leader') throw invariantBroken(this.logger, 'a leader asks for votes');
    this.reset(this.term + 1);
    this.vote = this.id;
    this.role = 'candidate';
    this.logger.info(`${hex(this.id)} became candidate at term ${this.term}`);
    traceNode(this, 'BecomeCandidate');
  }

  becomeLeader(): void {
    if (this.role === 'follower') throw invariantBroken(this.logger, 'a follower takes leadership');
    this.reset(this.term);
    this.leader = this.id;
    this.role = 'leader';
    const own = this.progress.get(this.id);
    if (own !== undefined) {
      own.becomeReplicate();
      own.recentActive = true;
    }
    // A configuration change may stand anywhere in the tail that this leader has not applied.
    this.pendingConfIndex = this.log.lastIndex();
    traceNode(this, 'BecomeLeader');
    // Entries of earlier terms count as committed only once one of this term is.
    this.appendOwn([{ type: 'normal', data: null }]);
    this.logger.info(`${hex(this.id)} became leader at term ${this.term}`);
  }

  /** Appends a leader's entries, which it acknowledges to itself when they are durable. */
  appendOwn(proposals: readonly Pick<Entry, 'type' | 'data'>[]): boolean {
    let index = this.log.lastIndex();
    const { term } = this;
    const entries = proposals.map(({ type, data }) => ({ term, index: ++index, type, data }));
    const size = payloadSize(entries);
    const limit = orUnlimited(this.config.maxUncommittedEntriesSize);
    // A first proposal is taken whatever its size, and one without bytes always.
    if (this.#uncommittedSize > 0 && size > 0 && this.#uncommittedSize + size > limit) {
      this.logger.warn(`${hex(this.id)} holds too many uncommitted bytes, dropping a proposal`);
      return false;
    }
    this.#uncommittedSize += size;
    traceReplicate(this, entries);
    this.log.append(entries);
    this.send('MsgAppResp', this.id, { index });
    return true;
  }

  releaseUncommitted(size: number): void {
    this.#uncommittedSize = Math.max(0, this.#uncommittedSize - size);
  }

  /** What every change of role or term begins with. */
  reset(term: number): void {
    if (this.term !== term) {
      this.term = term;
      this.vote = noOne;
    }
    this.leader = noOne;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.drawElectionTimeout();
    this.transferee = noOne;
    this.votes.clear();
    const lastIndex = this.log.lastIndex();
    const fresh = new Map<Id, Progress>();
    for (const [id, { isLearner }] of this.progress) {
      fresh.set(
        id,
        new Progress({
          match: id === this.id ? lastIndex : 0,
          next: lastIndex + 1,
          isLearner,
          recentActive: false,
          inflights: new Inflights(this.inflightLimits.count, this.inflightLimits.bytes),
        }),
      );
    }
    this.progress = fresh;
    this.pendingConfIndex = 0;
    this.#uncommittedSize = 0;
    this.reads.clear();
  }

  /** Between one and two election timeouts, so that members rarely campaign at once. */
  drawElectionTimeout(): void {
    const { electionTick, random } = this.config;
    this.randomizedElectionTimeout = electionTick + random(electionTick);
  }

  /** Result of the votes received so far. */
  tally(): VoteResult {
    return this.quorum((id) => this.votes.get(id));
  }

  quorum(voteOf: (id: Id) => boolean | undefined): VoteResult {
    return jointVote(this.membership.incoming, this.membership.outgoing, voteOf);
  }

  /** Commits what a quorum stores. True if that moved the commit index. */
  maybeCommit(): boolean {
    const stored = jointIndex(
      this.membership.incoming,
      this.membership.outgoing,
      (id) => this.progress.get(id)?.match,
    );
    const moved = this.log.maybeCommit(stored, this.term);
    traceNode(this, 'Commit');
    return moved;
  }

  /** Whether this leader knows what is committed, which it does from its own first entry on. */
  get committedInOwnTerm(): boolean {
    return this.log.termOrZero(this.log.committed) === this.term;
  }

  #termOf(type: MessageType): number {
    return type === 'MsgProp' || type === 'MsgReadIndex' ? 0 : this.term;
  }
}

/** Ids in log lines. */
export function hex(id: Id): string {
  return id.toString(16);
}

function orUnlimited(limit: number | undefined): number {
  return limit === undefined || limit === 0 ? Number.POSITIVE_INFINITY : limit;
}
