import type { Checker, Fact, FactOf } from './history.ts';

const facts = ['write', 'watched'] as const;

/** A watch shows every change behind the revision it began at, each once, in order (store.md §4). */
export class WatchChecker implements Checker {
  readonly name = 'watches';
  readonly facts = facts;
  /** Revisions that changed a key, by the key's first part. */
  readonly #revisions = new Map<string, number[]>();

  take(fact: Fact): readonly string[] {
    if (fact.kind === 'write') this.#written(fact.key, fact.revision);
    return fact.kind === 'watched' ? this.#watched(fact) : [];
  }

  #written(key: string, revision: number): void {
    const prefix = key.slice(0, key.indexOf('/') + 1);
    const list = this.#revisions.get(prefix) ?? [];
    this.#revisions.set(prefix, list);
    if (list.at(-1) !== revision) list.push(revision);
  }

  #watched({ client, prefix, after, revision }: FactOf<'watched'>): readonly string[] {
    if (revision <= after) {
      return [`${client} was shown revision ${revision} of ${prefix} after ${after}`];
    }
    const list = this.#revisions.get(prefix) ?? [];
    if (!list.includes(revision)) {
      return [`${client} was shown revision ${revision} of ${prefix}, which changed nothing there`];
    }
    const missed = list.filter((each) => each > after && each < revision);
    if (missed.length === 0) return [];
    return [
      `${client} was shown ${revision} of ${prefix} after ${after}, without ${missed.join()}`,
    ];
  }
}
