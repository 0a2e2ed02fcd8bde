import { ok } from '../core/problem.ts';
import type { ManagerRecord } from '../core/model/manager.ts';
import { promoteManager } from '../core/request/manager.ts';
import type { Env, Timer } from '../env/env.ts';
import type { Member, Membership } from '../store/membership.ts';
import type { Leader } from './leader.ts';

/** How often the store's members are compared with the registry, in ms. */
const everyMs = 1000;

/**
 * Brings the store's members to what the registry says, one change at a time: a recorded learner is
 * added and promoted once it has caught up; a member without a record is let go. Level-triggered, so
 * the next leader goes on wherever this one stopped.
 */
export class MembershipKeeper {
  readonly #env: Env;
  readonly #leader: Pick<Leader, 'mirror' | 'mutate' | 'isLeading'>;
  readonly #membership: Membership;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(
    env: Env,
    leader: Pick<Leader, 'mirror' | 'mutate' | 'isLeading'>,
    membership: Membership,
  ) {
    this.#env = env;
    this.#leader = leader;
    this.#membership = membership;
  }

  /** Does nothing where managers do not vote. */
  start(): void {
    if (this.#membership.managersVote) this.#later();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #later(): void {
    this.#timer = this.#env.timers.after(everyMs, () => void this.#round());
  }

  async #round(): Promise<void> {
    try {
      if (this.#leader.isLeading()) await this.#bringTogether();
    } catch (error) {
      this.#env.log.warn({ err: error }, 'members of the store could not be compared');
    }
    if (!this.#stopped) this.#later();
  }

  async #bringTogether(): Promise<void> {
    const managers = [...this.#leader.mirror.managers.values()];
    const learner = managers.find((manager) => manager.role === 'learner');
    if (learner !== undefined && (await this.#bringIn(learner))) return;
    const recorded = new Set(managers.map((manager) => manager.number));
    const stray = (await this.#membership.list()).find((number) => !recorded.has(number));
    if (stray === undefined || !this.#leader.isLeading()) return;
    const outcome = await this.#membership.remove(stray);
    this.#env.log.info({ number: stray, outcome: outcome.kind }, 'a member without a record');
  }

  /** True when something was changed. */
  async #bringIn(learner: ManagerRecord): Promise<boolean> {
    const { number, id, sessions } = learner;
    const member: Member = { number, name: id, address: sessions };
    if ((await this.#membership.addLearner(member)).kind !== 'done') return false;
    if (!this.#leader.isLeading()) return true;
    const promoted = await this.#membership.promote(number);
    if (promoted.kind !== 'done') return false;
    const written = await this.#leader.mutate((draft) => {
      // It may have been removed while it was promoted; then it is a member without a record.
      const known = draft.manager(id);
      return known?.role === 'learner' ? promoteManager(draft, id) : ok(null);
    });
    if (written.kind === 'problem') {
      this.#env.log.warn({ manager: id, because: written.problem.because }, 'not promoted yet');
    }
    return true;
  }
}
