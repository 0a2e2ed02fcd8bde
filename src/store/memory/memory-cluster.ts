import { operationId, type OperationId, type Revision } from '../../core/model/ids.ts';
import type { Clock, Timer, Timers } from '../../env/env.ts';
import { transactionProblem } from '../command.ts';
import { claimTransaction, leaderKey, resignTransaction } from '../leadership-key.ts';
import { StateMachine } from '../state-machine.ts';
import type { Transaction, WriteOutcome } from '../store.ts';
import { MemoryLink, type Leg } from './memory-link.ts';
import { MemoryStore } from './memory-store.ts';

interface MemoryEnv {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly timers: Timers;
}

export interface MemoryClusterOptions {
  /** The cluster's own clock and timers; clients may bring others. */
  readonly env: MemoryEnv;
  /** How many revisions a watch can look back. */
  readonly historyLimit?: number;
  /** Leadership lasts this long without renewal; null = until it is resigned or taken away. */
  readonly leaseMs?: number | null;
  /** A client waits this long for an answer. */
  readonly deadlineMs?: number;
  /** Time on the way, per message. */
  readonly latencyMs?: (client: string, leg: Leg) => number;
}

/**
 * What becomes of a write whose answer the client does not get: it was evaluated, it was lost, or
 * it arrives later, maybe after the client has read the key.
 */
export type AmbiguousEffect = 'evaluated' | 'lost' | { readonly lateMs: number };

/** A candidate in the queue, and later on the seat. */
export interface Candidacy {
  readonly link: MemoryLink;
  readonly candidate: string;
  readonly withdrawn: boolean;
  onGranted(createRevision: Revision): void;
  onDeposed(createRevision: Revision, tell: boolean): void;
}

interface Seat {
  readonly candidacy: Candidacy;
  readonly createRevision: Revision;
  expiry: Timer | null;
}

/**
 * A consistent store in memory with any number of clients, for the simulator and for tests. Every
 * transaction is evaluated in one step; what can go wrong is on the way to it and back.
 */
export class MemoryCluster {
  readonly #options: MemoryClusterOptions;
  readonly #machine: StateMachine;
  readonly #stores = new Set<MemoryStore>();
  readonly #byName = new Map<string, MemoryStore>();
  #queue: Candidacy[] = [];
  #seat: Seat | null = null;
  #readOnly: string | null = null;
  #operations = 0;

  constructor(options: MemoryClusterOptions) {
    this.#options = options;
    this.#machine = new StateMachine({ historyLimit: options.historyLimit ?? 10_000 });
  }

  /** The state itself, for checkers. To be read only. */
  get machine(): StateMachine {
    return this.#machine;
  }

  get leaseMs(): number | null {
    return this.#options.leaseMs ?? null;
  }

  get readOnly(): string | null {
    return this.#readOnly;
  }

  /** The candidate that leads as the cluster sees it. */
  get leader(): string | null {
    return this.#seat?.candidacy.candidate ?? null;
  }

  /** A client of its own. The hooks below act on the last one of a name. */
  connect(name: string, env: MemoryEnv = this.#options.env): MemoryStore {
    const link = new MemoryLink({
      client: name,
      networkTimers: this.#options.env.timers,
      env,
      deadlineMs: this.#options.deadlineMs ?? 2_000,
      latencyMs: this.#options.latencyMs ?? (() => 0),
    });
    const store = new MemoryStore(this, link);
    this.#stores.add(store);
    this.#byName.set(name, store);
    return store;
  }

  // --- Hooks for tests and the simulator.

  /**
   * Takes the leadership away, as if the lease had run out. With `tell: false` the deposed leader
   * goes on believing in itself until its own lease deadline, for ever without one; its guarded
   * writes and its `confirm` fail. Says whether the candidate led.
   */
  expire(candidate: string, options: { readonly tell: boolean } = { tell: true }): boolean {
    const seat = this.#seat;
    if (seat === null || seat.candidacy.candidate !== candidate) return false;
    this.#vacate(seat);
    seat.candidacy.onDeposed(seat.createRevision, options.tell);
    return true;
  }

  /** The client gets no answer to its next write. */
  makeNextWriteAmbiguous(client: string, effect: AmbiguousEffect): void {
    this.#client(client).makeNextWriteAmbiguous(effect);
  }

  cut(client: string): void {
    this.#client(client).link.cut();
  }

  heal(client: string): void {
    this.#client(client).link.heal();
  }

  /** The client's process died: it hears nothing, and nobody is told that it is gone. */
  kill(client: string): void {
    const store = this.#client(client);
    store.link.kill();
    this.#stores.delete(store);
  }

  /** Forgets all history, so that every watch from before ends with `compacted`. */
  compact(): void {
    this.#machine.compact(this.#machine.revision);
  }

  /** With a reason, writes are refused; null ends it. */
  setReadOnly(reason: string | null): void {
    this.#readOnly = reason;
  }

  // --- What clients ask. Each call is one atomic step.

  evaluate(transaction: Transaction): WriteOutcome {
    const problem = transactionProblem(transaction);
    if (problem !== null) return refused('notSent', problem);
    if (this.#readOnly !== null) return refused('readOnly', this.#readOnly);
    const result = this.#apply(transaction);
    return result.kind === 'committed'
      ? result
      : { kind: 'refused', because: 'compare', current: result.current, detail: '' };
  }

  /** Puts a write under way that nobody waits for. */
  evaluateLater(transaction: Transaction, lateMs: number): void {
    this.#options.env.timers.after(lateMs, () => this.evaluate(transaction));
  }

  enqueue(candidacy: Candidacy): void {
    const isKnown = this.#seat?.candidacy === candidacy || this.#queue.includes(candidacy);
    if (isKnown || candidacy.withdrawn) return;
    this.#queue.push(candidacy);
    this.#fillSeat();
  }

  /** Takes a candidate out of the queue, or off the seat. */
  withdraw(candidacy: Candidacy): void {
    this.#queue = this.#queue.filter((other) => other !== candidacy);
    if (this.#seat?.candidacy === candidacy) this.#vacate(this.#seat);
  }

  resign(createRevision: Revision): void {
    if (this.#seat?.createRevision === createRevision) this.#vacate(this.#seat);
  }

  isSeated(createRevision: Revision): boolean {
    return this.#seat?.createRevision === createRevision;
  }

  renew(createRevision: Revision): boolean {
    if (this.#seat?.createRevision !== createRevision) return false;
    this.#startLease(this.#seat);
    return true;
  }

  leave(store: MemoryStore): void {
    this.#stores.delete(store);
    this.#queue = this.#queue.filter((candidacy) => candidacy.link !== store.link);
    if (this.#seat?.candidacy.link === store.link) this.#vacate(this.#seat);
  }

  #client(name: string): MemoryStore {
    const store = this.#byName.get(name);
    if (store === undefined) throw new Error(`no client ${name}`);
    return store;
  }

  #apply(transaction: Transaction): ReturnType<StateMachine['apply']> {
    const result = this.#machine.apply(transaction);
    for (const store of this.#stores) store.changed();
    return result;
  }

  #vacate(seat: Seat): void {
    seat.expiry?.cancel();
    this.#seat = null;
    this.#apply(resignTransaction(seat.createRevision, this.#nextOperation()));
    this.#fillSeat();
  }

  #fillSeat(): void {
    if (this.#seat !== null) return;
    const candidacy = this.#queue.shift();
    if (candidacy === undefined) return;
    const current = this.#machine.get(leaderKey);
    const claim = claimTransaction(current, candidacy.candidate, this.#nextOperation());
    this.#apply(claim);
    const createRevision = this.#machine.revision;
    this.#seat = { candidacy, createRevision, expiry: null };
    this.#startLease(this.#seat);
    candidacy.onGranted(createRevision);
  }

  #startLease(seat: Seat): void {
    seat.expiry?.cancel();
    const { leaseMs } = this;
    if (leaseMs === null) return;
    seat.expiry = this.#options.env.timers.after(leaseMs, () => {
      if (this.#seat === seat) this.#vacate(seat);
    });
  }

  #nextOperation(): OperationId {
    this.#operations += 1;
    return operationId(`leadership-${this.#operations}`);
  }
}

function refused(because: 'notSent' | 'readOnly', detail: string): WriteOutcome {
  return { kind: 'refused', because, current: [], detail };
}
