import type { Env, Timer } from '../../env/env.ts';
import { decodeConfChange, type AnyConfChange } from '../../raft/conf-change.ts';
import { RawNode } from '../../raft/raw-node.ts';
import {
  appendThread,
  applyThread,
  type ConfState,
  type Entry,
  type Message,
  type Role,
  type Snapshot,
  type StepResult,
} from '../../raft/types.ts';
import type { SegmentedLog } from '../log/segmented-log.ts';
import type { AppendQueue } from './append-queue.ts';
import { toLogEntry } from './entry-form.ts';
import type { LogStorage } from './log-storage.ts';
import { mergeAppends } from './merge-appends.ts';
import type { RaftObserver } from './observer.ts';
import { campaignDelayTicks, type RaftTiming } from './timing.ts';

export interface MemberParts {
  readonly id: number;
  readonly env: Pick<Env, 'clock' | 'timers' | 'random' | 'log'>;
  readonly log: SegmentedLog;
  readonly storage: LogStorage;
  readonly appends: AppendQueue;
  readonly timing: RaftTiming;
  readonly isWitness: boolean;
  /** Index up to which the state has been rebuilt, from the newest snapshot. */
  readonly applied: number;
  /** The content of a snapshot that is to be installed; it was received before. */
  readonly contentOf: (snapshot: Snapshot) => readonly Uint8Array[];
  readonly host: MemberHost;
  readonly observer: RaftObserver | null;
}

/** What the member makes happen outside of consensus. Called synchronously; must not call back. */
export interface MemberHost {
  send(message: Message): void;
  /** A committed entry, in order. */
  applyNormal(entry: Entry): void;
  /** A committed change of members, and the configuration that it makes. */
  applyChange(change: AnyConfChange, conf: ConfState, index: number): void;
  /** A snapshot of a peer is durable and takes the place of everything before it. */
  installed(snapshot: Snapshot, chunks: readonly Uint8Array[]): void;
  readState(index: number, context: string): void;
  /** Everything up to `RaftMember.applied` has been applied. */
  applied(): void;
  /** Role, leader or term changed, or the first entry of our own term was applied. */
  changed(): void;
  failed(error: Error): void;
}

/**
 * One member of the store: feeds the consensus core with time, messages and proposals, and carries
 * out what it says, in the order that it demands. Appends to the log run beside everything else;
 * what rests on their being durable leaves only when they are.
 */
export class RaftMember {
  readonly #parts: MemberParts;
  readonly #node: RawNode;
  #ticker: Timer | null = null;
  #ticks = 0;
  #applied: number;
  #appliedTerm = 0;
  #term: number;
  /** Term and vote that are in the log, or on their way there. */
  #written: { readonly term: number; readonly vote: number };
  #leader = 0;
  #role: Role = 'follower';
  #draining = false;
  #scheduled = false;
  #ended = false;

  constructor(parts: MemberParts) {
    this.#parts = parts;
    this.#applied = parts.applied;
    this.#term = parts.log.hardState?.term ?? 0;
    this.#written = { term: this.#term, vote: parts.log.hardState?.vote ?? 0 };
    const { id, storage, timing, isWitness, env } = parts;
    this.#node = new RawNode({
      id,
      storage,
      applied: parts.applied,
      electionTick: timing.electionTicks,
      heartbeatTick: timing.heartbeatTicks,
      asyncStorageWrites: true,
      maxSizePerMsg: 512 * 1024,
      maxCommittedSizePerReady: 4 << 20,
      maxUncommittedEntriesSize: 32 << 20,
      maxInflightMsgs: 64,
      maxInflightBytes: 4 << 20,
      checkQuorum: true,
      preVote: true,
      readOnly: 'safe',
      stepDownOnRemoval: true,
      random: (ticks) => campaignDelayTicks(env.random.fraction(), ticks, isWitness),
      ...(parts.observer?.trace === undefined ? {} : { trace: parts.observer.trace }),
      logger: {
        debug: () => undefined,
        info: (text) => env.log.debug({ raft: text }, 'consensus'),
        warn: (text) => env.log.warn({ raft: text }, 'consensus'),
        error: (text) => env.log.error({ raft: text }, 'consensus'),
        fatal: (text) => env.log.error({ raft: text }, 'consensus'),
      },
    });
  }

  get applied(): number {
    return this.#applied;
  }

  /** The leader as this member believes; 0 = none. */
  get leader(): number {
    return this.#leader;
  }

  get term(): number {
    return this.#term;
  }

  /** True once it leads *and* has applied an entry of its own term: its state is the latest. */
  get leads(): boolean {
    return this.#role === 'leader' && this.#appliedTerm === this.#term;
  }

  get isLeader(): boolean {
    return this.#role === 'leader';
  }

  /** `alone`: the only voter need not wait for a leader to fall silent. */
  start(alone: boolean): void {
    this.#tickLater();
    this.#input(() => (alone ? this.#node.campaign() : 'ok'));
  }

  stop(): void {
    this.#ended = true;
    this.#ticker?.cancel();
  }

  status(): ReturnType<RawNode['status']> {
    return this.#node.status();
  }

  propose(data: Uint8Array): StepResult {
    return this.#input(() => this.#node.propose(data));
  }

  proposeChange(change: AnyConfChange): StepResult {
    return this.#input(() => this.#node.proposeConfChange(change));
  }

  /** The answer comes by `readState`, or never. */
  readIndex(context: string): void {
    const bytes = new TextEncoder().encode(context);
    this.#input(() => this.#node.readIndex(bytes));
  }

  /** Hands the lead to a member that has caught up, or lets it be. */
  transferTo(id: number): void {
    this.#input(() => {
      this.#node.transferLeader(id);
      return 'ok';
    });
  }

  receive(message: Message): void {
    // A lease that this member granted before it was restarted may still count elsewhere.
    const isVote = message.type === 'MsgVote' || message.type === 'MsgPreVote';
    if (isVote && this.#ticks < this.#parts.timing.electionTicks) return;
    this.#input(() => this.#node.step(message));
    // Its content is kept for this turn only.
    if (message.type === 'MsgSnap') this.#drain();
  }

  reportUnreachable(id: number): void {
    this.#input(() => {
      this.#node.reportUnreachable(id);
      return 'ok';
    });
  }

  reportSnapshot(id: number, isSent: boolean): void {
    this.#input(() => {
      this.#node.reportSnapshot(id, isSent);
      return 'ok';
    });
  }

  #tickLater(): void {
    const { env, timing } = this.#parts;
    this.#ticker = env.timers.after(timing.tickMs, () => {
      if (this.#ended) return;
      this.#ticks += 1;
      this.#input(() => {
        this.#node.tick();
        return 'ok';
      });
      this.#tickLater();
    });
  }

  #input(change: () => StepResult): StepResult {
    if (this.#ended) return 'proposalDropped';
    try {
      const result = change();
      this.#schedule();
      return result;
    } catch (error) {
      this.#fail(error);
      return 'proposalDropped';
    }
  }

  /** All inputs of one turn share one look at what is to be done. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#drain();
    });
  }

  #drain(): void {
    if (this.#draining || this.#ended) return;
    this.#draining = true;
    try {
      while (!this.#ended && this.#node.hasReady()) this.#work();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#draining = false;
    }
  }

  #work(): void {
    const ready = this.#node.ready();
    const { host } = this.#parts;
    let isChanged = false;
    if (ready.hardState !== null && ready.hardState.term !== this.#term) {
      this.#term = ready.hardState.term;
      isChanged = true;
    }
    if (ready.softState !== null) {
      const { leader, role } = ready.softState;
      if (role === 'leader' && this.#role !== role) this.#parts.observer?.elected(this.#term);
      this.#leader = leader;
      this.#role = role;
      isChanged = true;
    }
    for (const { index, context } of ready.readStates) {
      host.readState(index, new TextDecoder().decode(context));
    }
    for (const message of mergeAppends(ready.messages)) {
      if (message.to === appendThread) this.#append(message);
      else if (message.to === applyThread) isChanged = this.#apply(message) || isChanged;
      else host.send(message);
    }
    if (isChanged) host.changed();
  }

  #append(message: Message): void {
    const { appends, contentOf, storage, host, observer } = this.#parts;
    const { snapshot, term, vote, commit } = message;
    const chunks = snapshot === null ? [] : contentOf(snapshot);
    if (snapshot !== null) storage.expectSnapshot(snapshot.index, snapshot.confState);
    const isVoteNew = term !== 0 && (term !== this.#written.term || vote !== this.#written.vote);
    if (isVoteNew) this.#written = { term, vote };
    observer?.appending({ entries: message.entries, vote: isVoteNew });
    appends.add({
      mustSync: message.entries.length > 0 || snapshot !== null || isVoteNew,
      entries: message.entries.map(toLogEntry),
      hardState: term === 0 ? null : { term, vote, commit },
      snapshot: snapshot === null ? null : { index: snapshot.index, term: snapshot.term, chunks },
      onDurable: () => {
        if (this.#ended) return;
        observer?.durable();
        if (snapshot !== null) {
          host.installed(snapshot, chunks);
          this.#applied = snapshot.index;
          this.#appliedTerm = snapshot.term;
          host.applied();
        }
        this.#respond(message.responses);
      },
    });
  }

  /** True when the first entry of this member's own term as a leader was among them. */
  #apply(message: Message): boolean {
    const { host, observer } = this.#parts;
    const led = this.leads;
    for (const entry of message.entries) {
      observer?.applied(entry);
      if (entry.type === 'normal') {
        if (entry.data !== null) host.applyNormal(entry);
      } else {
        const change = decodeConfChange(entry.type, entry.data);
        host.applyChange(change, this.#node.applyConfChange(change), entry.index);
      }
      this.#applied = entry.index;
      this.#appliedTerm = entry.term;
    }
    this.#respond(message.responses);
    host.applied();
    return led !== this.leads;
  }

  #respond(responses: readonly Message[]): void {
    const { id, host } = this.#parts;
    for (const response of responses) {
      if (response.to === id) this.#input(() => this.#node.step(response));
      else host.send(response);
    }
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.stop();
    this.#parts.host.failed(error instanceof Error ? error : new Error(String(error)));
  }
}
