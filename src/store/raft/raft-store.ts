import { operationId, type Revision } from '../../core/model/ids.ts';
import type { Timer } from '../../env/env.ts';
import type { JsonValue } from '../../env/network.ts';
import type { Message } from '../../raft/types.ts';
import { encodeCommand, transactionProblem } from '../command.ts';
import { epochBaseKey, leaderKey } from '../leadership-key.ts';
import {
  StoreUnavailable,
  type KeyValue,
  type Leadership,
  type Store,
  type StoreStatus,
  type Transaction,
  type WatchEvent,
  type WriteOutcome,
} from '../store.ts';
import { AppendQueue } from './append-queue.ts';
import { LinearReads } from './linear-reads.ts';
import { roleOf } from './members.ts';
import { diskHealthOf, readDiskHealth } from './disk-health.ts';
import { peerOf, Peers } from './peers.ts';
import { notSent } from './not-sent.ts';
import { Pending } from './pending.ts';
import { RaftElection } from './raft-election.ts';
import { RaftMember } from './raft-member.ts';
import { RaftMembership } from './raft-membership.ts';
import { SnapshotReceiver, SnapshotSender } from './snapshot-transfer.ts';
import { Snapshotter } from './snapshotter.ts';
import { mayUseReserve } from '../file/space-guard.ts';
import type { RaftStoreParts } from './store-parts.ts';
import { Succession } from './succession.ts';
import { leadershipMs } from './timing.ts';
import { decodeMessage, encodeMessage } from './wire.ts';

/** A store that replicates itself over its members by consensus. Made by `openRaftStore`. */
export class RaftStore implements Store {
  /** Adding and removing members; for whoever leads. */
  readonly membership: RaftMembership;
  readonly #parts: RaftStoreParts;
  readonly #member: RaftMember;
  readonly #appends: AppendQueue;
  readonly #peers: Peers;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  readonly #snapshotter: Snapshotter;
  readonly #election: RaftElection;
  readonly #writes: Pending<WriteOutcome>;
  readonly #reads: LinearReads;
  /** Writes that found no leader. */
  #leaderless: (() => void)[] = [];
  readonly #succession: Succession;
  /** Ids of this process's submissions start with this, so that no other's are taken for them. */
  readonly #run: string;
  #submissions = 0;
  #housekeeping: Timer | null = null;
  #onJoined: (() => void) | null;
  #ended: string | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: RaftStoreParts) {
    this.#parts = parts;
    const { env, log, storage, replica, guard, limits, timing, self, clusterId } = parts;
    this.#onJoined = parts.onJoined;
    this.#run = env.random.uuid();
    this.#writes = new Pending(env.timers);
    this.#reads = new LinearReads({
      env,
      deadlineMs: limits.deadlineMs,
      retryMs: limits.readRetryMs,
      nextId: () => this.#nextSubmission(),
      ask: (id) => this.#member.readIndex(id),
      applied: () => this.#member.applied,
    });
    this.#snapshotter = new Snapshotter({
      ...limits,
      env,
      log,
      storage,
      replica,
      applied: () => this.#member.applied,
      onDead: (error) => this.#onDead(error),
    });
    this.#appends = new AppendQueue({
      log,
      guard,
      timers: env.timers,
      logger: env.log,
      spaceCheckMs: limits.spaceCheckMs,
      beforeInstall: () => this.#snapshotter.idle(),
      onFull: () => this.#onFull(),
      onDead: (error) => this.#onDead(error),
    });
    this.#peers = new Peers({
      env,
      self: { id: self.number, name: self.name },
      clusterId,
      onMessage: (from, message) => this.#receive(from, message),
      onChange: (id, isConnected) => this.#connectionChanged(id, isConnected),
    });
    this.#receiver = new SnapshotReceiver((to, message) => void this.#peers.send(to, message));
    this.#sender = new SnapshotSender({
      read: () => log.readSnapshot(),
      send: (to, message) => this.#peers.send(to, message),
      onEnd: (to, isSent) => this.#member.reportSnapshot(to, isSent),
    });
    this.#member = new RaftMember({
      id: self.number,
      env,
      log,
      storage,
      appends: this.#appends,
      timing,
      isWitness: parts.isWitness,
      applied: parts.applied,
      observer: parts.observer,
      contentOf: (snapshot) => this.#receiver.content(snapshot),
      host: {
        send: (message) => this.#send(message),
        applyNormal: (entry) => {
          const { proposal, outcome } = replica.apply(entry);
          if (proposal !== null) this.#writes.settle(proposal, outcome);
          this.#snapshotter.grew(entry.data?.length ?? 0, entry.index);
        },
        applyChange: (change, conf, index) => {
          const proposal = replica.applyChange(change, conf);
          this.#snapshotter.membersChanged(index);
          this.#membersChanged();
          if (roleOf(replica.members, self.number) === null) this.membership.dismissed();
          if (proposal !== null) this.membership.settle(proposal);
        },
        installed: ({ index }, chunks) => {
          replica.replace(chunks);
          parts.observer?.restored('peer', index, replica.machine);
          this.#membersChanged();
        },
        readState: (index, context) => this.#reads.told(context, index),
        applied: () => this.#reads.onApplied(),
        changed: () => {
          this.#election.changed();
          if (this.#member.leader !== 0) this.#wakeLeaderless();
        },
        failed: (error) => this.#onDead(error),
      },
    });
    this.#election = new RaftElection({
      env,
      leadershipMs: leadershipMs(timing),
      leads: () => this.#member.leads,
      term: () => this.#member.term,
      current: () => replica.machine.get(leaderKey),
      epochBase: () => replica.machine.get(epochBaseKey)?.value ?? null,
      isAlone: () => this.#isAlone(),
      txn: (transaction) => this.txn(transaction),
      round: async () => (await this.#reads.upToDate()) && this.#member.leads,
      onChange: () => this.#wantingChanged(),
    });
    this.#succession = new Succession({
      self: self.number,
      members: () => replica.members,
      send: (to, message) => void this.#peers.send(to, message),
      disk: () => diskHealthOf(log),
      isHeard: (number) => this.#member.status().progress.get(number)?.recentActive === true,
      wants: () => this.#election.wants,
    });
    this.membership = new RaftMembership({
      timers: env.timers,
      deadlineMs: limits.deadlineMs * 5,
      self: self.number,
      members: () => replica.members,
      status: () => this.#member.status(),
      linearize: () => this.#reads.upToDate(),
      nextProposal: () => this.#nextSubmission(),
      propose: (change) => this.#member.proposeChange(change),
      handOver: () => this.#yield('this member leaves the store'),
    });
    if (guard.readOnly !== null) this.#onFull();
  }

  /** Rejects when the address cannot be listened on. */
  async start(listen: Parameters<Peers['listen']>[0] | null): Promise<void> {
    if (listen !== null) await this.#peers.listen(listen);
    this.#membersChanged();
    this.#member.start(this.#isAlone());
    this.#keepHouse();
  }

  #isAlone(): boolean {
    const { replica, self } = this.#parts;
    const { voters, votersOutgoing } = replica.members.conf;
    return voters.length === 1 && voters[0] === self.number && votersOutgoing.length === 0;
  }

  async get(key: string): Promise<{ readonly item: KeyValue | null; readonly revision: Revision }> {
    await this.#linearizeOrThrow();
    const { machine } = this.#parts.replica;
    return { item: machine.get(key), revision: machine.revision };
  }

  async list(
    prefix: string,
  ): Promise<{ readonly items: readonly KeyValue[]; readonly revision: Revision }> {
    await this.#linearizeOrThrow();
    const { machine } = this.#parts.replica;
    return { items: machine.list(prefix), revision: machine.revision };
  }

  txn(transaction: Transaction): Promise<WriteOutcome> {
    const refusal = this.#refusal(transaction);
    if (refusal !== null) return Promise.resolve(refusal);
    const { limits } = this.#parts;
    if (this.#writes.size >= limits.waitingWrites) {
      return Promise.resolve(notSent('too many writes are waiting'));
    }
    const submission = this.#nextSubmission();
    const bytes = encodeCommand(transaction, submission);
    const deadlineMs = this.#parts.env.clock.monotonicMs() + limits.deadlineMs;
    return this.#propose(transaction, submission, bytes, deadlineMs);
  }

  /** What finds no leader was never proposed, and is proposed again until the deadline. */
  async #propose(
    transaction: Transaction,
    submission: string,
    bytes: Uint8Array,
    deadlineMs: number,
  ): Promise<WriteOutcome> {
    const { env } = this.#parts;
    for (;;) {
      const leftMs = deadlineMs - env.clock.monotonicMs();
      if (this.#member.propose(bytes) === 'ok') {
        return this.#writes.wait(submission, Math.max(leftMs, 1), {
          kind: 'ambiguous',
          operation: operationId(transaction.operation),
          detail: 'no answer from a quorum in time',
        });
      }
      if (leftMs <= 0) return notSent('the store has no leader at the moment');
      await this.#leaderOrTimeout(leftMs);
      if (this.#ended !== null) return notSent(this.#ended);
    }
  }

  #leaderOrTimeout(leftMs: number): Promise<void> {
    const { env } = this.#parts;
    return new Promise((resolve) => {
      const timer = env.timers.after(leftMs, resolve);
      this.#leaderless.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  watch(prefix: string, from: Revision, listener: (event: WatchEvent) => void): () => void {
    return this.#parts.replica.hub.watch(prefix, from, listener);
  }

  campaign(options: {
    readonly candidate: string;
    readonly signal: AbortSignal;
  }): Promise<Leadership> {
    return this.#election.campaign(options);
  }

  /** Whether this member leads consensus and its state is the latest. */
  isLeading(): boolean {
    return this.#member.leads;
  }

  /** For tests: the process is gone, nothing more is said or written. */
  readonly abandon = (): void => this.#end('the process is gone');

  status(): StoreStatus {
    const { replica, guard, log, self } = this.#parts;
    const { leader } = this.#member;
    const isAlive = this.#ended === null;
    return {
      driver: 'raft',
      revision: replica.machine.revision,
      members: replica.members.list.map(({ number, name }) => {
        const lagEntries = this.membership.lag(number);
        const disk = number === self.number ? diskHealthOf(log) : this.#succession.disk(number);
        return {
          name,
          healthy: isAlive && (number === self.number || this.#peers.isConnected(number)),
          role: roleOf(replica.members, number) ?? 'learner',
          ...(lagEntries === null ? {} : { lagEntries }),
          ...(disk === null ? {} : { disk }),
        };
      }),
      hasQuorum: isAlive && leader !== 0,
      term: this.#member.term,
      readOnly: this.#ended ?? guard.readOnly,
      syncMs: log.times.slowestMs(),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const reason = 'the store is closed';
    this.#end(reason);
    await this.#appends.stop();
    await this.#snapshotter.stop();
    await this.#peers.close(reason);
    await this.#parts.log.close();
    await this.#parts.unlock();
  }

  #end(reason: string): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    this.#housekeeping?.cancel();
    this.#member.stop();
    this.#election.stop(reason);
    this.membership.stop();
    // Nobody will ever tell: what was proposed may be committed by the others.
    this.#writes.abandon();
    this.#reads.stop();
    this.#parts.replica.hub.close(reason);
    this.#wakeLeaderless();
  }

  #wakeLeaderless(): void {
    for (const wake of this.#leaderless.splice(0)) wake();
  }

  #refusal(transaction: Transaction): WriteOutcome | null {
    if (this.#ended !== null) return notSent(this.#ended);
    const problem = transactionProblem(transaction);
    if (problem !== null) return notSent(problem);
    const { readOnly } = this.#parts.guard;
    if (readOnly === null || mayUseReserve(transaction)) return null;
    return { kind: 'refused', because: 'readOnly', current: [], detail: readOnly };
  }

  #nextSubmission(): string {
    this.#submissions += 1;
    return `${this.#run}.${this.#submissions}`;
  }

  async #linearizeOrThrow(): Promise<void> {
    if (this.#ended !== null) throw new StoreUnavailable(this.#ended);
    if (!(await this.#reads.upToDate())) {
      throw new StoreUnavailable(this.#ended ?? 'no quorum of the store answered');
    }
  }

  // --- The other members.

  #membersChanged(): void {
    const { replica, self } = this.#parts;
    const others = replica.members.list.filter(({ number }) => number !== self.number);
    this.#peers.set(others.map(peerOf));
    this.#succession.membersChanged();
    if (replica.members.list.length > 0) {
      this.#onJoined?.();
      this.#onJoined = null;
    }
  }

  #send(message: Message): void {
    if (message.type === 'MsgSnap') {
      void this.#sender.start(message);
      return;
    }
    if (!this.#peers.send(message.to, encodeMessage(message))) {
      if (message.type === 'MsgApp') this.#member.reportUnreachable(message.to);
    }
  }

  #receive(from: number, value: JsonValue): void {
    if (this.#ended !== null) return;
    if (Array.isArray(value)) {
      const message = decodeMessage(value);
      // A member speaks for itself; proposals and reads keep the id of whoever made them.
      if (message !== null && message.from === from) this.#member.receive(message);
      // Nothing of the log is sent to it any more, so that it cannot know.
      const { members } = this.#parts.replica;
      if (this.#member.leads && roleOf(members, from) === null) {
        this.#peers.send(from, { kind: 'dismissed', term: this.#member.term });
      }
      return;
    }
    const note = value as Note;
    switch (note.kind) {
      case 'wants':
        this.#succession.note(from, note.wants === true, readDiskHealth(note.disk));
        return;
      case 'dismissed':
        // A leader that was deposed unnoticed may not know a newcomer.
        if (Number(note.term) >= this.#member.term) this.membership.dismissed();
        return;
      case 'took': {
        const { stream, at } = note;
        if (typeof stream === 'string' && typeof at === 'number') {
          this.#sender.took(from, stream, at);
        }
        return;
      }
      case 'snapshot':
      case 'piece': {
        const message = this.#receiver.take(from, value);
        if (message !== null && message.from === from) this.#member.receive(message);
        return;
      }
      default:
    }
  }

  #connectionChanged(id: number, isConnected: boolean): void {
    if (isConnected) {
      this.#succession.tellOne(id);
      return;
    }
    this.#succession.forget(id);
    this.#sender.disconnected(id);
    this.#receiver.disconnected(id);
    this.#member.reportUnreachable(id);
  }

  #wantingChanged(): void {
    this.#succession.tell();
    this.#handOver();
  }

  /**
   * Whoever leads consensus without a manager that would lead, or with a disk that cannot keep up,
   * hands over to a voter that can.
   */
  #handOver(): void {
    if (!this.#member.isLeader || this.#ended !== null) return;
    const { log, timing } = this.#parts;
    const slowMs = (timing.electionTicks * timing.tickMs) / 2;
    const isSlow = log.times.runningMs() > slowMs || this.#appends.isStuck;
    if (isSlow) this.#yield('the disk of this member is slow or full');
    else if (!this.#election.wants) this.#yield('nobody here wants to lead');
  }

  /** Hands the lead to a voter whose manager wants it; keeps it when there is none. */
  #yield(reason: string): void {
    const heir = this.#succession.heir();
    if (heir === null) return;
    this.#election.yield(reason);
    this.#member.transferTo(heir);
  }

  #keepHouse(): void {
    const { env, timing } = this.#parts;
    this.#housekeeping = env.timers.after(timing.electionTicks * timing.tickMs, () => {
      if (this.#ended !== null) return;
      this.#wantingChanged();
      this.#keepHouse();
    });
  }

  // --- Trouble with the disk.

  #onFull(): void {
    const { env, directory, limits, guard } = this.#parts;
    env.log.error({ directory }, 'the disk is full: only fence intents and proofs are written');
    this.#handOver();
    const check = async (): Promise<void> => {
      if (await guard.refill()) {
        env.log.info({ directory }, 'there is space again: the store takes all writes');
      } else if (this.#ended === null) {
        env.timers.after(limits.spaceCheckMs, () => this.#appends.exclusive(check));
      }
    };
    env.timers.after(limits.spaceCheckMs, () => this.#appends.exclusive(check));
  }

  #onDead(error: Error): void {
    if (this.#ended !== null) return;
    this.#end(`the store failed: ${error.message}`);
    this.#parts.env.log.error({ err: error.message }, 'the store failed; the process must end');
    this.#parts.onFatal(error);
  }
}

/** What members say beside consensus. */
interface Note {
  readonly kind?: JsonValue;
  readonly wants?: JsonValue;
  readonly disk?: JsonValue;
  readonly stream?: JsonValue;
  readonly at?: JsonValue;
  readonly term?: JsonValue;
}
