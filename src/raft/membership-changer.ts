import type { MemberChange } from './conf-change.ts';
import {
  ascending,
  isJoint,
  newProgress,
  type InflightLimits,
  type Membership,
  type ProgressMap,
  type Tracked,
} from './membership.ts';
import type { Progress } from './progress.ts';
import type { Id } from './types.ts';

/** Why a change can't be made. */
export type ChangeRefusal =
  | 'alreadyJoint'
  | 'zeroVoterConfigJoint'
  | 'notJoint'
  | 'simpleWhileJoint'
  | 'moreThanOneVoterChanged'
  | 'removedAllVoters';

export type Changed = Tracked | { readonly refused: ChangeRefusal };

/**
 * Makes the next configuration out of the current one, which it leaves alone. Two majorities of
 * one step always meet: either at most one voter changes, or both sides are asked (joint).
 */
export class MembershipChanger {
  readonly #current: Tracked;
  readonly #lastIndex: number;
  readonly #limits: InflightLimits;

  /** `lastIndex` of the log: where new members are probed first. */
  constructor(current: Tracked, lastIndex: number, limits: InflightLimits) {
    this.#current = current;
    this.#lastIndex = lastIndex;
    this.#limits = limits;
  }

  simple(changes: readonly MemberChange[]): Changed {
    const { membership } = this.#current;
    if (isJoint(membership)) return { refused: 'simpleWhileJoint' };
    const draft = this.#draft();
    draft.apply(changes);
    if (draft.incoming.size === 0) return { refused: 'removedAllVoters' };
    const gone = membership.incoming.filter((id) => !draft.incoming.has(id)).length;
    const come = draft.incoming.size - (membership.incoming.length - gone);
    if (gone + come > 1) return { refused: 'moreThanOneVoterChanged' };
    return draft.done(membership.autoLeave);
  }

  /** The voters of now become the outgoing half; the changes are made to the incoming one. */
  enterJoint(autoLeave: boolean, changes: readonly MemberChange[]): Changed {
    const { membership } = this.#current;
    if (isJoint(membership)) return { refused: 'alreadyJoint' };
    if (membership.incoming.length === 0) return { refused: 'zeroVoterConfigJoint' };
    const draft = this.#draft();
    for (const id of membership.incoming) draft.outgoing.add(id);
    draft.apply(changes);
    if (draft.incoming.size === 0) return { refused: 'removedAllVoters' };
    return draft.done(autoLeave);
  }

  /** The incoming half alone remains; who waited to become a learner becomes one. */
  leaveJoint(): Changed {
    if (!isJoint(this.#current.membership)) return { refused: 'notJoint' };
    const draft = this.#draft();
    draft.leave();
    return draft.done(false);
  }

  #draft(): Draft {
    return new Draft(this.#current, (isLearner) =>
      newProgress(this.#lastIndex, isLearner, this.#limits),
    );
  }
}

class Draft {
  readonly incoming: Set<Id>;
  readonly outgoing: Set<Id>;
  readonly #learners: Set<Id>;
  readonly #learnersNext: Set<Id>;
  readonly #progress = new Map<Id, Progress>();
  readonly #newcomer: (isLearner: boolean) => Progress;

  constructor(current: Tracked, newcomer: (isLearner: boolean) => Progress) {
    const { membership, progress } = current;
    this.incoming = new Set(membership.incoming);
    this.outgoing = new Set(membership.outgoing);
    this.#learners = new Set(membership.learners);
    this.#learnersNext = new Set(membership.learnersNext);
    // A refused change must leave nothing behind in the peers that are tracked now.
    for (const [id, one] of progress) this.#progress.set(id, one.clone());
    this.#newcomer = newcomer;
  }

  apply(changes: readonly MemberChange[]): void {
    for (const { kind, id } of changes) {
      // A change that was refused after it was recorded is kept as one of nobody.
      if (id === 0) continue;
      if (kind === 'addVoter') this.#makeVoter(id);
      else if (kind === 'addLearner') this.#makeLearner(id);
      else if (kind === 'remove') this.#remove(id);
    }
  }

  leave(): void {
    for (const id of this.#learnersNext) this.#setLearner(id, this.#progress.get(id));
    this.#learnersNext.clear();
    for (const id of this.outgoing) {
      if (!this.incoming.has(id) && !this.#learners.has(id)) this.#progress.delete(id);
    }
    this.outgoing.clear();
  }

  done(autoLeave: boolean): Tracked {
    const membership: Membership = {
      incoming: ascending(this.incoming),
      outgoing: ascending(this.outgoing),
      learners: ascending(this.#learners),
      learnersNext: ascending(this.#learnersNext),
      autoLeave,
    };
    return { membership, progress: inOrder(this.#progress) };
  }

  #makeVoter(id: Id): void {
    const known = this.#progress.get(id) ?? this.#newcomer(false);
    known.isLearner = false;
    this.#progress.set(id, known);
    this.#learners.delete(id);
    this.#learnersNext.delete(id);
    this.incoming.add(id);
  }

  #makeLearner(id: Id): void {
    const known = this.#progress.get(id);
    if (known === undefined) {
      this.#setLearner(id, this.#newcomer(true));
      return;
    }
    if (known.isLearner) return;
    this.#remove(id);
    this.#progress.set(id, known);
    // Who still votes in the outgoing half cannot be a learner before that half is gone.
    if (this.outgoing.has(id)) this.#learnersNext.add(id);
    else this.#setLearner(id, known);
  }

  #setLearner(id: Id, known: Progress | undefined): void {
    const progress = known ?? this.#newcomer(true);
    progress.isLearner = true;
    this.#progress.set(id, progress);
    this.#learners.add(id);
  }

  #remove(id: Id): void {
    this.incoming.delete(id);
    this.#learners.delete(id);
    this.#learnersNext.delete(id);
    if (!this.outgoing.has(id)) this.#progress.delete(id);
  }
}

function inOrder(progress: ReadonlyMap<Id, Progress>): ProgressMap {
  return new Map([...progress].sort(([a], [b]) => a - b));
}
