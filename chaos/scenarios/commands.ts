import type { Caller, ClusterService } from '../../src/api/cluster-service.ts';
import type { Outcome, ProblemCode } from '../../src/core/problem.ts';
import type { SimCluster } from '../sim/cluster.ts';
import { identityOf } from '../sim/cluster-world.ts';

/** How long a client looks for a leader that answers, and how long for one answer, in ms. */
const patienceMs = 60_000;
const answerMs = 10_000;
const retryMs = 200;

const passing: ReadonlySet<ProblemCode> = new Set(['E_NOT_LEADER', 'E_UNAVAILABLE', 'E_AMBIGUOUS']);

type Request = (service: ClusterService, caller: Caller) => Promise<Outcome<unknown>>;

/**
 * A person's command line in the simulation: one command after the other, each asked of whoever
 * leads until it is answered. The timeline does not wait for them.
 */
export class PersonAtCommands {
  readonly #cluster: SimCluster;
  readonly #refused: (text: string) => void;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** `refused` is told of every command that ended in a problem. */
  constructor(cluster: SimCluster, refused: (text: string) => void) {
    this.#cluster = cluster;
    this.#refused = refused;
  }

  /** Commands that are not answered yet. */
  get waiting(): number {
    return this.#waiting;
  }

  give(text: string, request: Request): void {
    this.#waiting += 1;
    this.#last = this.#last.then(() => this.#carry(text, request));
  }

  async #carry(text: string, request: Request): Promise<void> {
    const { time } = this.#cluster.world;
    const untilMs = time.nowMs + patienceMs;
    let last = 'no manager leads';
    while (time.nowMs < untilMs) {
      const outcome = await this.#ask(request);
      if (outcome?.kind === 'ok') {
        this.#waiting -= 1;
        return;
      }
      if (outcome !== null) last = `${outcome.problem.code}: ${outcome.problem.because}`;
      if (outcome !== null && !passing.has(outcome.problem.code)) break;
      await this.#pause(retryMs);
    }
    this.#waiting -= 1;
    this.#refused(`${text} was refused: ${last}`);
  }

  /** Null: nobody leads, or the leader gave no answer in time, for example because it died. */
  #ask(request: Request): Promise<Outcome<unknown> | null> {
    const [leader] = this.#cluster.leaders();
    const service = leader?.manager?.service;
    if (service === undefined) return Promise.resolve(null);
    const identity = identityOf(this.#cluster.world, 'admin', 'person');
    return Promise.race([
      request(service, { identity, dryRun: false, reason: 'as the timeline says' }),
      this.#pause(answerMs).then(() => null),
    ]);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#cluster.world.time.schedule(ms, resolve));
  }
}
