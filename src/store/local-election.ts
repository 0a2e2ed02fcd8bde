import { operationId, type Epoch, type OperationId, type Revision } from '../core/model/ids.ts';
import type { Random, Timers } from '../env/env.ts';
import { deferred, type Deferred } from './deferred.ts';
import {
  claimTransaction,
  epochBaseIn,
  epochBaseKey,
  epochOf,
  leaderKey,
  resignTransaction,
} from './leadership-key.ts';
import { StoreUnavailable, type KeyValue, type Leadership, type Store } from './store.ts';

interface LocalElectionOptions {
  readonly store: Pick<Store, 'get' | 'txn'>;
  readonly random: Random;
  readonly timers: Timers;
  /** Whether the store can still commit. False for ever once false. */
  readonly isAlive: () => boolean;
}

const retryMs = 250;

/**
 * Leadership where one process owns the store: whoever campaigns gets it in turn, and each gets a
 * new epoch by a committed write. A leader key left by an earlier process is taken over at once,
 * because the lock on the store shows that the process is gone.
 */
export class LocalElection {
  readonly #options: LocalElectionOptions;
  #leader: LocalLeadership | null = null;
  #campaigning = false;
  #turns: Deferred<void>[] = [];

  constructor(options: LocalElectionOptions) {
    this.#options = options;
  }

  async campaign(options: {
    readonly candidate: string;
    readonly signal: AbortSignal;
  }): Promise<Leadership> {
    const { candidate, signal } = options;
    await this.#takeTurn(signal);
    try {
      const createRevision = await this.#claim(candidate, signal);
      const { item: base } = await this.#options.store.get(epochBaseKey);
      const epoch = epochOf(createRevision, epochBaseIn(base?.value ?? null));
      const held = { createRevision, epoch };
      const leadership = new LocalLeadership(this.#options, held, () => {
        this.#leader = null;
        this.#nextTurn();
      });
      if (!this.#options.isAlive()) throw new StoreUnavailable('the store is closed');
      this.#leader = leadership;
      if (signal.aborted) await leadership.resign();
      signal.throwIfAborted();
      return leadership;
    } finally {
      this.#campaigning = false;
      this.#nextTurn();
    }
  }

  /** The store is gone: the leader learns it, and so does everybody who waits. */
  stop(reason: string): void {
    this.#leader?.lose(reason);
    for (const turn of this.#turns.splice(0)) turn.reject(new StoreUnavailable(reason));
  }

  async #takeTurn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#options.isAlive()) throw new StoreUnavailable('the store is closed');
    if (this.#leader === null && !this.#campaigning) {
      this.#campaigning = true;
      return;
    }
    const turn = deferred<void>();
    const abort = (): void => {
      this.#turns = this.#turns.filter((other) => other !== turn);
      turn.reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#turns.push(turn);
    try {
      await turn.promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #nextTurn(): void {
    if (this.#leader !== null || this.#campaigning) return;
    const turn = this.#turns.shift();
    if (turn === undefined) return;
    this.#campaigning = true;
    turn.resolve();
  }

  async #claim(candidate: string, signal: AbortSignal): Promise<Revision> {
    const { store, random } = this.#options;
    const mine = new Set<OperationId>();
    for (;;) {
      signal.throwIfAborted();
      const { item } = await store.get(leaderKey);
      // An earlier attempt whose answer did not come was committed after all.
      if (item !== null && writtenBy(item, mine)) return item.createRevision;
      const operation = operationId(random.uuid());
      mine.add(operation);
      const outcome = await store.txn(claimTransaction(item, candidate, operation));
      if (outcome.kind === 'committed') return outcome.revision;
      if (outcome.kind === 'refused' && outcome.because !== 'compare') {
        await this.#pause(signal);
      }
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        timer.cancel();
        reject(signal.reason as Error);
      };
      const timer = this.#options.timers.after(retryMs, () => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}

class LocalLeadership implements Leadership {
  readonly key = leaderKey;
  readonly epoch: Epoch;
  readonly createRevision: Revision;
  readonly #options: LocalElectionOptions;
  readonly #onEnd: () => void;
  readonly #lost = new AbortController();

  constructor(
    options: LocalElectionOptions,
    held: Pick<Leadership, 'createRevision' | 'epoch'>,
    onEnd: () => void,
  ) {
    this.#options = options;
    this.#onEnd = onEnd;
    this.createRevision = held.createRevision;
    this.epoch = held.epoch;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  isValid(): boolean {
    return !this.#lost.signal.aborted && this.#options.isAlive();
  }

  /** The only member is this process, so the round is the look at its own state, after the call. */
  async confirm(): Promise<boolean> {
    await Promise.resolve();
    return this.isValid();
  }

  lose(reason: string): void {
    this.#lost.abort(new Error(reason));
  }

  async resign(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    this.lose('resigned');
    const operation = operationId(this.#options.random.uuid());
    // Whatever becomes of it: the next campaign takes a key over that stayed.
    await this.#options.store.txn(resignTransaction(this.createRevision, operation));
    this.#onEnd();
  }
}

function writtenBy(item: KeyValue, operations: ReadonlySet<OperationId>): boolean {
  return item.operations.some((operation) => operations.has(operation));
}
