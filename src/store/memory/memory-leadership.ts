import type { Epoch, Revision } from '../../core/model/ids.ts';
import type { Timer } from '../../env/env.ts';
import { epochBaseIn, epochBaseKey, epochOf, leaderKey } from '../leadership-key.ts';
import { SharedRound } from '../shared-round.ts';
import type { Leadership } from '../store.ts';
import type { MemoryCluster } from './memory-cluster.ts';
import type { MemoryLink } from './memory-link.ts';

/** Of the lease: clocks may differ in rate by 1 %, and the rest is for the check itself. */
const usableShare = 0.97;
const renewalsPerLease = 3;

/**
 * A leadership as its holder sees it. With a lease it ends by the holder's own clock, counted from
 * the send of the last acknowledged renewal, so it ends before the cluster lets another one lead.
 */
export class MemoryLeadership implements Leadership {
  readonly key = leaderKey;
  readonly epoch: Epoch;
  readonly createRevision: Revision;
  readonly #cluster: MemoryCluster;
  readonly #link: MemoryLink;
  readonly #lost = new AbortController();
  readonly #round: SharedRound<boolean>;
  #validUntilMs = Number.POSITIVE_INFINITY;
  #timer: Timer | null = null;
  /** A test took the leadership away and keeps the holder from learning it. */
  #unaware = false;

  constructor(cluster: MemoryCluster, link: MemoryLink, createRevision: Revision) {
    this.#cluster = cluster;
    this.#link = link;
    this.createRevision = createRevision;
    const base = cluster.machine.get(epochBaseKey)?.value ?? null;
    this.epoch = epochOf(createRevision, epochBaseIn(base));
    this.#round = new SharedRound(() => this.#ask());
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  isValid(): boolean {
    const { clock } = this.#link.options.env;
    if (!this.#lost.signal.aborted && clock.monotonicMs() >= this.#validUntilMs) {
      this.lose('the lease ran out');
    }
    return !this.#lost.signal.aborted;
  }

  async confirm(): Promise<boolean> {
    if (!this.isValid()) return false;
    return this.#round.join();
  }

  async resign(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    this.lose('resigned');
    await this.#link.call(() => this.#cluster.resign(this.createRevision));
  }

  lose(reason: string): void {
    this.#timer?.cancel();
    this.#lost.abort(new Error(reason));
  }

  keepUnaware(): void {
    this.#unaware = true;
  }

  /** One renewal; null = no answer. Keeps itself going once one was acknowledged. */
  async renew(): Promise<boolean | null> {
    const { env } = this.#link.options;
    const sentAtMs = env.clock.monotonicMs();
    const answer = await this.#link.call(() => this.#cluster.renew(this.createRevision));
    const { leaseMs } = this.#cluster;
    if (answer === true && leaseMs !== null) {
      this.#validUntilMs = sentAtMs + leaseMs * usableShare;
      this.#renewLater(leaseMs / renewalsPerLease);
    }
    return answer;
  }

  #renewLater(delayMs: number): void {
    if (this.#lost.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = this.#link.options.env.timers.after(delayMs, () => {
      if (!this.isValid()) return;
      // Should no answer come, the next try and the deadline must not wait for this one.
      this.#renewLater(Math.min(delayMs, this.#leftMs()));
      void this.#renewOrLose();
    });
  }

  async #renewOrLose(): Promise<void> {
    const answer = await this.renew();
    if (answer === false && !this.#unaware) this.lose('another candidate may lead now');
  }

  #leftMs(): number {
    return Math.max(1, this.#validUntilMs - this.#link.options.env.clock.monotonicMs());
  }

  async #ask(): Promise<boolean> {
    const seated = await this.#link.call(() => this.#cluster.isSeated(this.createRevision));
    if (seated === false && !this.#unaware) this.lose('another candidate may lead now');
    return seated === true && this.isValid();
  }
}
