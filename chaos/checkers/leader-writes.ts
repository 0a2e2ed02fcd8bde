import { type Checker, type Fact } from './history.ts';

const facts = ['write'] as const;

/**
 * Every write of a leader is guarded (I7): what is committed bears the epoch that is on the
 * leadership key at that very revision. The barrier's value begins with its writer's epoch.
 */
export class LeaderWriteChecker implements Checker {
  readonly name = 'leaderWrites';
  readonly facts = facts;
  #epoch: number | null = null;

  take(fact: Fact): readonly string[] {
    if (fact.kind !== 'write') return [];
    if (fact.key === 'leader') this.#epoch = fact.value === null ? null : fact.revision;
    if (fact.key !== 'barrier' || fact.text === null) return [];
    const epoch = Number(fact.text.slice(0, fact.text.indexOf('.')));
    if (epoch === this.#epoch) return [];
    return [`revision ${fact.revision} was written for epoch ${epoch}, leading is ${this.#epoch}`];
  }
}
