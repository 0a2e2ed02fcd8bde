import type { Revision } from '../../core/model/ids.ts';
import { deferred } from '../deferred.ts';
import type { Candidacy, MemoryCluster } from './memory-cluster.ts';
import { MemoryLeadership } from './memory-leadership.ts';
import type { MemoryLink } from './memory-link.ts';

/**
 * One wait for the seat. Being granted is not yet winning: the answer may be old when it arrives, so
 * the holder believes in it only after a renewal that it sent later was acknowledged.
 */
export class MemoryCampaign implements Candidacy {
  readonly candidate: string;
  readonly link: MemoryLink;
  readonly #cluster: MemoryCluster;
  readonly #won = deferred<MemoryLeadership>();
  #withdrawn = false;
  #settled = false;
  #leadership: MemoryLeadership | null = null;

  constructor(cluster: MemoryCluster, link: MemoryLink, candidate: string) {
    this.#cluster = cluster;
    this.link = link;
    this.candidate = candidate;
  }

  /** A withdrawn candidate is never seated, even if its request arrives after the withdrawal. */
  get withdrawn(): boolean {
    return this.#withdrawn;
  }

  /** Rejects with the signal's reason when aborted. */
  async run(signal: AbortSignal): Promise<MemoryLeadership> {
    const abort = (): void => this.#abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    void this.#enqueue();
    try {
      return await this.#won.promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  onGranted(createRevision: Revision): void {
    this.link.note(() => {
      if (this.#settled) return;
      this.#leadership = new MemoryLeadership(this.#cluster, this.link, createRevision);
      void this.#confirm(this.#leadership);
    });
  }

  onDeposed(createRevision: Revision, tell: boolean): void {
    const leadership = this.#leadership;
    if (leadership?.createRevision !== createRevision) return;
    if (tell) this.link.note(() => leadership.lose('another candidate may lead now'));
    else leadership.keepUnaware();
  }

  /** Until the cluster has it; asking twice does no harm. */
  async #enqueue(): Promise<void> {
    while (!this.#settled) {
      const taken = await this.link.call(() => {
        this.#cluster.enqueue(this);
        return true;
      });
      if (taken !== null) return;
    }
  }

  async #confirm(leadership: MemoryLeadership): Promise<void> {
    let answer = await leadership.renew();
    while (answer === null && !this.#settled) answer = await leadership.renew();
    if (this.#settled) return;
    if (answer === true) {
      this.#settled = true;
      this.#won.resolve(leadership);
    } else {
      await this.#enqueue();
    }
  }

  #abort(reason: unknown): void {
    this.#settled = true;
    this.#withdrawn = true;
    this.#leadership?.lose('the campaign was aborted');
    void this.link.call(() => this.#cluster.withdraw(this));
    this.#won.reject(reason);
  }
}
