import type { Epoch, Revision } from '../../core/model/ids.ts';
import type { Env, Timer } from '../../env/env.ts';
import { leaderKey } from '../leadership-key.ts';
import type { Leadership } from '../store.ts';

export interface LeadershipParts {
  readonly env: Pick<Env, 'clock' | 'timers'>;
  readonly createRevision: Revision;
  readonly epoch: Epoch;
  /** Local time at which the claim was proposed that a quorum has since confirmed. */
  readonly claimedAtMs: number;
  /** How long after the send of what a quorum answered nobody else can lead, in ms. */
  readonly leadershipMs: number;
  /**
   * A quorum round that begins after the call: when it was sent by the local clock, null when it
   * failed or found another leader.
   */
  readonly round: () => Promise<{ readonly sentAtMs: number } | null>;
  /** Whether this member is the only voter: then nobody else can lead, however late a look is. */
  readonly isAlone: () => boolean;
  /** It ran out by the clock. */
  readonly onExpired: () => void;
  readonly onResign: () => Promise<void>;
}

const renewalsPerTerm = 4;

/**
 * The lead of this member's manager. It counts for a bounded time after each quorum round, by this
 * process's own clock: a process that stood still for longer knows by its first look at the clock.
 */
export class RaftLeadership implements Leadership {
  readonly key = leaderKey;
  readonly epoch: Epoch;
  readonly createRevision: Revision;
  readonly #parts: LeadershipParts;
  readonly #lost = new AbortController();
  #validUntilMs: number;
  #timer: Timer | null = null;

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
    this.createRevision = parts.createRevision;
    this.epoch = parts.epoch;
    this.#validUntilMs = parts.claimedAtMs + parts.leadershipMs;
    this.#renewLater();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  isValid(): boolean {
    if (this.#lost.signal.aborted) return false;
    const nowMs = this.#parts.env.clock.monotonicMs();
    if (this.#parts.isAlone()) this.#extend(nowMs);
    if (nowMs >= this.#validUntilMs) {
      this.lose('no quorum confirmed it in time');
      this.#parts.onExpired();
    }
    return !this.#lost.signal.aborted;
  }

  async confirm(): Promise<boolean> {
    if (!this.isValid()) return false;
    const round = await this.#parts.round();
    if (round === null) return false;
    this.#extend(round.sentAtMs);
    return this.isValid();
  }

  lose(reason: string): void {
    this.#timer?.cancel();
    this.#lost.abort(new Error(reason));
  }

  async resign(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    this.lose('resigned');
    await this.#parts.onResign();
  }

  #extend(sentAtMs: number): void {
    this.#validUntilMs = Math.max(this.#validUntilMs, sentAtMs + this.#parts.leadershipMs);
  }

  #renewLater(): void {
    const { env, leadershipMs } = this.#parts;
    this.#timer = env.timers.after(leadershipMs / renewalsPerTerm, () => {
      if (!this.isValid()) return;
      this.#renewLater();
      void this.confirm();
    });
  }
}
