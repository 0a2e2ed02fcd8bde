import type { WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import type { Violation } from '../checkers/history.ts';
import { Arrivals } from './arrivals.ts';
import { realCheckers } from './checkers.ts';
import { Observer } from './observer.ts';
import { RecordedClient } from './recorded-client.ts';
import { WaitWatch } from './wait-watch.ts';

/** A node that was in trouble is not blamed for what follows within this time, ms. */
const troubleEchoMs = 3000;

/**
 * Everything that looks at one lab, from before its first VM until it is taken down. The checkers
 * read one history: what happens on the lab is done through here, or seen by the observer.
 */
export class Watch {
  readonly site: WatchedCluster;
  readonly observer: Observer;
  readonly client: RecordedClient;
  readonly #arrivals: Arrivals;
  readonly #waits: WaitWatch;
  readonly #troubled = new Map<string, number>();
  readonly #overlapsTold = new Set<string>();

  private constructor(site: WatchedCluster) {
    this.site = site;
    this.observer = new Observer(site.cluster, realCheckers());
    this.client = new RecordedClient(site.client, this.observer);
    this.#waits = new WaitWatch(site, this.observer);
    this.#arrivals = new Arrivals(site.lab, this.observer, (node) => this.isTroubled(node));
  }

  /** Of a cluster that has no VM yet: the history begins with it. */
  static async begin(site: WatchedCluster): Promise<Watch> {
    const watch = new Watch(site);
    watch.observer.start();
    await watch.#arrivals.start();
    watch.#waits.start();
    return watch;
  }

  /** @throws Error when the observer could not look on until now. */
  async end(): Promise<void> {
    await this.#waits.stop();
    await this.#arrivals.stop();
    this.observer.stop();
  }

  /** Something keeps this node, or with `cluster` all of them, from being heard, until `calm`. */
  trouble(target: string): void {
    this.#troubled.set(target, Number.POSITIVE_INFINITY);
  }

  calm(target: string): void {
    this.#troubled.set(target, this.observer.nowMs() + troubleEchoMs);
  }

  calmAll(): void {
    for (const target of this.#troubled.keys()) this.calm(target);
  }

  isTroubled(node: string): boolean {
    const until = [this.#troubled.get(node), this.#troubled.get('cluster')];
    return until.some((each) => each !== undefined && each > this.observer.nowMs());
  }

  /** All rules that were broken so far; what the disks show included (I1). */
  violations(): readonly Violation[] {
    for (const { overlaps, unreadable } of this.site.testimony()) {
      for (const { disk, older, newer } of overlaps) {
        this.#once(
          'singleWriter',
          `${disk} was written by boots ${older.boots} and ${newer.boots} at once`,
        );
      }
      for (const disk of unreadable) this.#once('observer', `${disk} could not be read`);
    }
    return this.observer.violations;
  }

  #once(checker: string, message: string): void {
    if (this.#overlapsTold.has(message)) return;
    this.#overlapsTold.add(message);
    this.observer.violated(checker, message);
  }
}
