import type { Timer, Timers } from '../../env/env.ts';
import { encodeCommand, transactionProblem } from '../command.ts';
import { LogFull } from '../log/log-error.ts';
import type { SegmentedLog } from '../log/segmented-log.ts';
import type { StateMachine } from '../state-machine.ts';
import type { Transaction, WriteOutcome } from '../store.ts';
import { mayUseReserve, type SpaceGuard } from './space-guard.ts';

interface CommitQueueOptions {
  readonly log: SegmentedLog;
  readonly machine: StateMachine;
  readonly guard: SpaceGuard;
  readonly timers: Timers;
  /** A caller waits this long for its outcome. */
  readonly deadlineMs: number;
  /** Bound of the queue; what is over it was `notSent`. */
  readonly queuedBytes: number;
  /** After each applied batch of so many bytes. */
  readonly onApplied: (bytes: number) => void;
  /** The disk ran full and the reserve is in use from now on. */
  readonly onFull: () => void;
  /** The log is dead. Called once. */
  readonly onDead: (error: Error) => void;
}

interface Pending {
  readonly transaction: Transaction;
  readonly bytes: Uint8Array;
  readonly settle: (outcome: WriteOutcome) => void;
  settled: boolean;
  timer: Timer | null;
  /** Handed to the log: from here on only its answer tells. */
  sent: boolean;
}

/** Entries of a store without Raft carry this term, so that the log can be taken over by Raft. */
export const soloTerm = 1;
const batchBytes = 4 << 20;

/**
 * Turns transactions into log entries, in order: everything that waits goes out as one batch with
 * one `fdatasync`, is then applied, and only then answered.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #queue: Pending[] = [];
  #queuedBytes = 0;
  #jobs: (() => Promise<void>)[] = [];
  #loop: Promise<void> | null = null;
  #stopped: string | null = null;
  #dead = false;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  submit(transaction: Transaction): Promise<WriteOutcome> {
    const refusal = this.#refusal(transaction);
    if (refusal !== null) return Promise.resolve(refusal);
    const bytes = encodeCommand(transaction);
    if (this.#queuedBytes + bytes.length > this.#options.queuedBytes) {
      return Promise.resolve(notSent('too many writes are waiting for the disk'));
    }
    return new Promise((resolve) => {
      const pending: Pending = {
        transaction,
        bytes,
        settled: false,
        sent: false,
        timer: null,
        settle: (outcome) => {
          pending.settled = true;
          pending.timer?.cancel();
          resolve(outcome);
        },
      };
      pending.timer = this.#options.timers.after(this.#options.deadlineMs, () => {
        this.#expire(pending);
      });
      this.#queue.push(pending);
      this.#queuedBytes += bytes.length;
      this.#start();
    });
  }

  /** Runs `job` when no batch is being written. It must not throw. */
  exclusive(job: () => Promise<void>): void {
    this.#jobs.push(job);
    this.#start();
  }

  /** Takes nothing more; resolves when what was taken is answered. */
  async drain(reason: string): Promise<void> {
    this.#stopped ??= reason;
    await this.#loop;
  }

  /** The log is dead: what it was given is in doubt, what it was not given never happened. */
  die(error: Error, sent: readonly Pending[] = []): void {
    this.#stopped ??= error.message;
    for (const pending of sent) {
      const { operation } = pending.transaction;
      pending.settle({ kind: 'ambiguous', operation, detail: error.message });
    }
    for (const pending of this.#queue.splice(0)) pending.settle(notSent(error.message));
    this.#queuedBytes = 0;
    if (this.#dead) return;
    this.#dead = true;
    this.#options.onDead(error);
  }

  #refusal(transaction: Transaction): WriteOutcome | null {
    if (this.#stopped !== null) return notSent(this.#stopped);
    const problem = transactionProblem(transaction);
    if (problem !== null) return notSent(problem);
    const { readOnly } = this.#options.guard;
    if (readOnly !== null && !mayUseReserve(transaction)) return refusedReadOnly(readOnly);
    // With nothing in flight the applied state is the latest, and a refusal needs no disk.
    if (this.#loop !== null) return null;
    const current = this.#options.machine.firstRefusal(transaction.compare);
    return current === null ? null : { kind: 'refused', because: 'compare', current, detail: '' };
  }

  #expire(pending: Pending): void {
    if (pending.settled) return;
    const detail = `no answer from the disk in ${this.#options.deadlineMs} ms`;
    if (pending.sent) {
      const { operation } = pending.transaction;
      pending.settle({ kind: 'ambiguous', operation, detail });
      return;
    }
    this.#queue = this.#queue.filter((other) => other !== pending);
    this.#queuedBytes -= pending.bytes.length;
    pending.settle(notSent(detail));
  }

  #start(): void {
    this.#loop ??= this.#run();
  }

  async #run(): Promise<void> {
    // Everything that is submitted in this turn joins the first batch.
    await Promise.resolve();
    for (;;) {
      const job = this.#jobs.shift();
      if (job !== undefined) {
        await job();
        continue;
      }
      const batch = this.#take();
      if (batch.length === 0) break;
      await this.#commit(batch);
    }
    this.#loop = null;
  }

  #take(): readonly Pending[] {
    let count = 0;
    let size = 0;
    for (const pending of this.#queue) {
      if (count > 0 && size + pending.bytes.length > batchBytes) break;
      count += 1;
      size += pending.bytes.length;
    }
    this.#queuedBytes -= size;
    return this.#queue.splice(0, count);
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    const { log, machine, onApplied } = this.#options;
    const first = log.lastIndex + 1;
    try {
      const entries = batch.map(({ bytes }, at) => {
        return { index: first + at, term: soloTerm, type: 0, bytes };
      });
      log.append({ entries });
      for (const pending of batch) pending.sent = true;
      await log.sync();
    } catch (error) {
      if (error instanceof LogFull) await this.#makeRoom(batch, error);
      else this.die(asError(error), batch);
      return;
    }
    let size = 0;
    for (const { transaction, bytes, settle } of batch) {
      const result = machine.apply(transaction);
      size += bytes.length;
      settle(
        result.kind === 'committed'
          ? result
          : { kind: 'refused', because: 'compare', current: result.current, detail: '' },
      );
    }
    onApplied(size);
  }

  /** Nothing of the batch is in the log. What may use the reserve is tried again, in its order. */
  async #makeRoom(batch: readonly Pending[], full: LogFull): Promise<void> {
    const { guard, onFull } = this.#options;
    let released = false;
    try {
      released = await guard.release();
    } catch (error) {
      this.die(asError(error), batch);
      return;
    }
    const again: Pending[] = [];
    for (const pending of batch) {
      if (pending.settled) continue;
      pending.sent = false;
      if (released && mayUseReserve(pending.transaction)) again.push(pending);
      else pending.settle(refusedReadOnly(guard.readOnly ?? full.message));
    }
    this.#queue.unshift(...again);
    for (const { bytes } of again) this.#queuedBytes += bytes.length;
    if (released) onFull();
  }
}

function notSent(detail: string): WriteOutcome {
  return { kind: 'refused', because: 'notSent', current: [], detail };
}

function refusedReadOnly(detail: string): WriteOutcome {
  return { kind: 'refused', because: 'readOnly', current: [], detail };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
