import type { Checker, Fact, FactOf } from './history.ts';

const facts = ['raftElected', 'raftApplied', 'raftRestored'] as const;

interface Applied {
  readonly term: number;
  readonly digest: number;
  readonly member: string;
}

/**
 * What consensus promises (store.md §7): one leader in a term; at one index every member applies the
 * same entry, for ever, over restarts; each applies them in order without a gap; and a snapshot is
 * the state of its index. A lost acknowledged entry shows as another one at its index.
 */
export class ConsensusChecker implements Checker {
  readonly name = 'consensus';
  readonly facts = facts;
  readonly #leaders = new Map<number, string>();
  readonly #entries = new Map<number, Applied>();
  /** The last index that each process has applied. */
  readonly #reached = new Map<string, number>();
  #last = 0;

  take(fact: Fact): readonly string[] {
    switch (fact.kind) {
      case 'raftElected':
        return this.#elected(fact);
      case 'raftApplied':
        return this.#applied(fact);
      case 'raftRestored':
        return this.#restored(fact);
      default:
        return [];
    }
  }

  #elected({ member, term }: FactOf<'raftElected'>): readonly string[] {
    const other = this.#leaders.get(term);
    this.#leaders.set(term, member);
    if (other === undefined || other === member) return [];
    return [`${member} was elected in term ${term}, and so was ${other}`];
  }

  #applied({ member, run, index, term, digest }: FactOf<'raftApplied'>): readonly string[] {
    const before = this.#reached.get(run) ?? 0;
    this.#reached.set(run, index);
    if (index !== before + 1) return [`${member} applied entry ${index} after ${before}`];
    const known = this.#entries.get(index);
    if (known === undefined) {
      this.#entries.set(index, { term, digest, member });
      this.#last = Math.max(this.#last, index);
      return [];
    }
    if (known.term === term && known.digest === digest) return [];
    return [
      `${member} applied an entry ${index} of term ${term}, ${known.member} another of term ${known.term}`,
    ];
  }

  #restored(fact: FactOf<'raftRestored'>): readonly string[] {
    const { member, run, from, index, digest, expected } = fact;
    this.#reached.set(run, index);
    if (expected === null) {
      return [`${member} has a snapshot of entry ${index}, nobody applied more than ${this.#last}`];
    }
    if (digest === expected) return [];
    return [`the snapshot of entry ${index} that ${member} has from a ${from} is not that state`];
  }
}
