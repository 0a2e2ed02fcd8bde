import type { Checker, Fact, FactOf } from './history.ts';

const facts = ['write', 'storeReopened'] as const;

interface Known {
  /** Null = deleted. */
  readonly text: string | null;
  readonly revision: number;
}

/**
 * A store that was read back from its disk has everything that it ever showed to anybody, as it
 * was. It may have more: a write that was durable, and whose answer the crash prevented.
 */
export class DurableChecker implements Checker {
  readonly name = 'durable';
  readonly facts = facts;
  readonly #known = new Map<string, Known>();
  #revision = 0;

  take(fact: Fact): readonly string[] {
    if (fact.kind === 'write') {
      this.#known.set(fact.key, { text: fact.text, revision: fact.revision });
      this.#revision = fact.revision;
    }
    return fact.kind === 'storeReopened' ? this.#reopened(fact) : [];
  }

  #reopened({ revision, items }: FactOf<'storeReopened'>): readonly string[] {
    if (revision < this.#revision) {
      return [`the store came back at revision ${revision}, it had shown ${this.#revision}`];
    }
    const problems: string[] = [];
    for (const [key, known] of this.#known) {
      const now = items.get(key) ?? null;
      // Deleted or replaced by what was durable and not shown yet.
      if (now === null ? revision > this.#revision : now.revision > this.#revision) continue;
      const isSame =
        known.text === null
          ? now === null
          : now?.text === known.text && now.revision === known.revision;
      if (!isSame) problems.push(`${key} came back from the disk as another than it was`);
    }
    return problems;
  }
}
