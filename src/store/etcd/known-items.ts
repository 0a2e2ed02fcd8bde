import type { KnownItem, StoredItem } from './stored-value.ts';

/** Some 20 MB when every key has eight operations. */
const mostKnown = 65_536;

/**
 * What was last seen of each key. Only a guess of what is there now: whoever writes by it compares
 * the mod revision that goes with it, and one mod revision has one content.
 */
export class KnownItems {
  readonly #items = new Map<string, KnownItem>();

  /** Null = nothing is known, which for a key that is to be written is taken for absent. */
  get(key: string): KnownItem | null {
    return this.#items.get(key) ?? null;
  }

  note(key: string, item: KnownItem | StoredItem | null): void {
    this.#items.delete(key);
    if (item === null) return;
    const { createRevision, modRevision, operations, isRecreated } = item;
    this.#items.set(key, { createRevision, modRevision, operations, isRecreated });
    if (this.#items.size <= mostKnown) return;
    const [oldest] = this.#items.keys();
    if (oldest !== undefined) this.#items.delete(oldest);
  }
}
