import { operationId, type OperationId, type Revision } from '../../core/model/ids.ts';
import type { Env } from '../../env/env.ts';
import { deferred, type Deferred } from '../deferred.ts';
import { claimTransaction, epochBaseIn, epochOf, resignTransaction } from '../leadership-key.ts';
import {
  StoreUnavailable,
  type KeyValue,
  type Leadership,
  type Transaction,
  type WriteOutcome,
} from '../store.ts';
import { RaftLeadership } from './raft-leadership.ts';

interface ElectionParts {
  readonly env: Pick<Env, 'clock' | 'timers' | 'random'>;
  readonly leadershipMs: number;
  /** Whether this member leads consensus and its state is the latest. */
  readonly leads: () => boolean;
  readonly term: () => number;
  /** The leadership key in this member's state. */
  readonly current: () => KeyValue | null;
  /** The text under `epoch-base` in this member's state; null = there is none. */
  readonly epochBase: () => string | null;
  readonly txn: (transaction: Transaction) => Promise<WriteOutcome>;
  /** Whether this member is the only voter of the store. */
  readonly isAlone: () => boolean;
  /** A quorum round that began after the call; true when this member still led then. */
  readonly round: () => Promise<boolean>;
  /** Whether a candidate waits or leads here may have changed. */
  readonly onChange: () => void;
}

interface Held {
  readonly leadership: RaftLeadership;
  readonly term: number;
}

/**
 * Leadership of managers on top of consensus: the manager beside the leading member leads. It claims
 * the leadership key by a committed write, so that epochs grow over everything; whoever leads
 * consensus without a candidate hands over to a member that has one.
 */
export class RaftElection {
  readonly #parts: ElectionParts;
  #held: Held | null = null;
  #isCampaigning = false;
  #turns: Deferred<void>[] = [];
  #leads: Deferred<void>[] = [];
  #stopped: string | null = null;

  constructor(parts: ElectionParts) {
    this.#parts = parts;
  }

  /** True while somebody here leads or waits to. */
  get wants(): boolean {
    return this.#held !== null || this.#isCampaigning || this.#turns.length > 0;
  }

  get isHeld(): boolean {
    return this.#held !== null;
  }

  async campaign(options: {
    readonly candidate: string;
    readonly signal: AbortSignal;
  }): Promise<Leadership> {
    const { candidate, signal } = options;
    await this.#takeTurn(signal);
    try {
      for (;;) {
        await this.#untilLeading(signal);
        const leadership = await this.#claim(candidate, signal);
        if (leadership === null) continue;
        if (signal.aborted) await leadership.resign();
        signal.throwIfAborted();
        return leadership;
      }
    } finally {
      this.#isCampaigning = false;
      this.#nextTurn();
      this.#parts.onChange();
    }
  }

  /** Consensus has another leader, term or state: whoever leads or waits is told. */
  changed(): void {
    if (this.#held !== null && !this.#stillHeld(this.#held)) {
      this.#end(this.#held, 'this member does not lead the store any more');
    }
    if (this.#parts.leads()) for (const waiting of this.#leads.splice(0)) waiting.resolve();
  }

  /** Gives the lead up in favour of another member. */
  yield(reason: string): void {
    if (this.#held !== null) this.#end(this.#held, reason);
  }

  stop(reason: string): void {
    this.#stopped = reason;
    if (this.#held !== null) this.#end(this.#held, reason);
    const error = new StoreUnavailable(reason);
    for (const waiting of this.#turns.splice(0)) waiting.reject(error);
    for (const waiting of this.#leads.splice(0)) waiting.reject(error);
  }

  #stillHeld({ leadership, term }: Held): boolean {
    const { leads, term: now, current } = this.#parts;
    return leads() && now() === term && current()?.createRevision === leadership.createRevision;
  }

  #end(held: Held, reason: string): void {
    if (this.#held === held) this.#held = null;
    held.leadership.lose(reason);
    this.#nextTurn();
    this.#parts.onChange();
  }

  async #takeTurn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#stopped !== null) throw new StoreUnavailable(this.#stopped);
    if (this.#held === null && !this.#isCampaigning) {
      this.#isCampaigning = true;
      this.#parts.onChange();
      return;
    }
    await waitIn(
      () => this.#turns,
      (turns) => (this.#turns = turns),
      signal,
    );
  }

  #nextTurn(): void {
    if (this.#held !== null || this.#isCampaigning) return;
    const turn = this.#turns.shift();
    if (turn === undefined) return;
    this.#isCampaigning = true;
    turn.resolve();
  }

  async #untilLeading(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#stopped !== null) throw new StoreUnavailable(this.#stopped);
    if (this.#parts.leads()) return;
    await waitIn(
      () => this.#leads,
      (waiting) => (this.#leads = waiting),
      signal,
    );
  }

  /** Null when the lead was lost over it, or the answer did not come: look again. */
  async #claim(candidate: string, signal: AbortSignal): Promise<RaftLeadership | null> {
    const { env, txn, term, current, leads } = this.#parts;
    const operation = operationId(env.random.uuid());
    const claimedAtMs = env.clock.monotonicMs();
    const claimedIn = term();
    const outcome = await txn(claimTransaction(current(), candidate, operation));
    if (outcome.kind === 'refused' && outcome.because !== 'compare') {
      await this.#pause(signal);
      return null;
    }
    if (outcome.kind === 'ambiguous') return this.#claimedLate(operation, claimedIn, signal);
    const item = current();
    const isMine = item !== null && item.operations.includes(operation);
    if (!isMine || !leads() || term() !== claimedIn) return null;
    return this.#take(item.createRevision, claimedIn, claimedAtMs);
  }

  /**
   * The claim is in this leader's log and its disk is slow: another claim would be as late. Once
   * something behind it was evaluated, it was too. What was known of a quorum is old by then.
   */
  async #claimedLate(
    claim: OperationId,
    claimedIn: number,
    signal: AbortSignal,
  ): Promise<RaftLeadership | null> {
    const { env, txn, term, current, leads, round } = this.#parts;
    const mine = (): KeyValue | null => {
      const item = current();
      return item?.operations.includes(claim) === true ? item : null;
    };
    while (mine() === null) {
      if (!leads() || term() !== claimedIn) return null;
      const operation = operationId(env.random.uuid());
      const behind = await txn({ operation, compare: [], then: [] });
      if (behind.kind === 'committed') break;
      await this.#pause(signal);
    }
    const sentAtMs = env.clock.monotonicMs();
    const isConfirmed = await round();
    const item = mine();
    if (!isConfirmed || item === null || !leads() || term() !== claimedIn) return null;
    return this.#take(item.createRevision, claimedIn, sentAtMs);
  }

  #take(createRevision: Revision, term: number, claimedAtMs: number): RaftLeadership {
    const { env, leadershipMs, isAlone, round, txn, current, epochBase } = this.#parts;
    const leadership: RaftLeadership = new RaftLeadership({
      env,
      createRevision,
      epoch: epochOf(createRevision, epochBaseIn(epochBase())),
      claimedAtMs,
      leadershipMs,
      isAlone,
      round: async () => {
        const sentAtMs = env.clock.monotonicMs();
        const isConfirmed = await round();
        const isMine = current()?.createRevision === createRevision;
        return isConfirmed && isMine ? { sentAtMs } : null;
      },
      onExpired: () => this.#end(held, 'it ran out'),
      onResign: async () => {
        // Whatever becomes of it: the next campaign takes a key over that stayed.
        await txn(resignTransaction(createRevision, operationId(env.random.uuid())));
        if (this.#held === held) this.#held = null;
        this.#nextTurn();
        this.#parts.onChange();
      },
    });
    const held: Held = { leadership, term };
    this.#held = held;
    return leadership;
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const over = deferred<void>();
    const timer = this.#parts.env.timers.after(retryMs, () => over.resolve());
    const abort = (): void => over.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await over.promise;
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', abort);
    }
  }
}

const retryMs = 100;

/** Waits in a queue until somebody settles it or the signal takes it out. */
async function waitIn(
  queue: () => Deferred<void>[],
  replace: (queue: Deferred<void>[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const waiting = deferred<void>();
  const abort = (): void => {
    replace(queue().filter((other) => other !== waiting));
    waiting.reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  queue().push(waiting);
  try {
    await waiting.promise;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
