import type { RawNode } from '../raw-node.ts';
import type { Entry, Id, LogGap, Message, Storage } from '../types.ts';

/** A rule of Raft was broken. */
export class RuleBroken extends Error {
  override readonly name = 'RuleBroken';
}

/** Sees everything that the members of a group do, and knows what must never happen. */
export class Oracle {
  readonly #leaders = new Map<number, Id>();
  readonly #votes = new Map<string, Id>();
  /** What was applied at an index, by whoever was first. */
  readonly #applied = new Map<number, string>();
  #highestApplied = 0;
  readonly #reads = new Map<string, number>();
  /** How often each rare thing was seen, so that a test can tell that it tested something. */
  readonly seen = { elections: 0, applied: 0, reads: 0, snapshots: 0, confChanges: 0, crashes: 0 };

  get highestApplied(): number {
    return this.#highestApplied;
  }

  /** Election safety: at most one leader in a term. */
  roleOf(id: Id, node: RawNode): void {
    const { softState, hardState } = node.status();
    if (softState.role !== 'leader') return;
    const known = this.#leaders.get(hardState.term);
    if (known === undefined) {
      this.#leaders.set(hardState.term, id);
      this.seen.elections++;
    } else if (known !== id) {
      throw new RuleBroken(`term ${hardState.term} has leaders ${known} and ${id}`);
    }
  }

  /** Durable vote: one candidate in a term, whatever was between the answers. */
  sent(message: Message): void {
    if (message.type !== 'MsgVoteResp' || message.reject) return;
    const key = `${message.from} in term ${message.term}`;
    const known = this.#votes.get(key);
    if (known !== undefined && known !== message.to) {
      throw new RuleBroken(`${key} voted for ${known} and for ${message.to}`);
    }
    this.#votes.set(key, message.to);
  }

  /** State machine safety: nobody applies another entry at an index. */
  applied(id: Id, entry: Entry): void {
    const text = describe(entry);
    const known = this.#applied.get(entry.index);
    if (known === undefined) this.#applied.set(entry.index, text);
    else if (known !== text) {
      throw new RuleBroken(`${id} applies ${text} at ${entry.index}, where another did ${known}`);
    }
    this.#highestApplied = Math.max(this.#highestApplied, entry.index);
    this.seen.applied++;
    if (entry.type !== 'normal') this.seen.confChanges++;
  }

  /** Leader completeness: who leads holds all that was ever applied. */
  leads(id: Id, storage: Storage): void {
    for (const [index, text] of this.#applied) {
      if (index < storage.firstIndex()) continue;
      const held = entryAt(storage, index);
      if (typeof held === 'string' || describe(held) !== text) {
        throw new RuleBroken(`leader ${id} has no ${text} at ${index}`);
      }
    }
  }

  /** A read begins: it must see everything that anybody has applied by now. */
  readBegins(key: string): void {
    this.#reads.set(key, this.#highestApplied);
  }

  readServed(key: string, index: number): void {
    const needed = this.#reads.get(key);
    if (needed === undefined) throw new RuleBroken(`nobody asked for read ${key}`);
    if (index < needed) throw new RuleBroken(`read ${key} sees ${index} and not ${needed}`);
    this.seen.reads++;
  }

  /** Log matching: entries of one index and term are the same, and so are all before them. */
  logsMatch(a: Storage, b: Storage): void {
    const first = Math.max(a.firstIndex(), b.firstIndex());
    let agreed = false;
    for (let index = Math.min(a.lastIndex(), b.lastIndex()); index >= first; index--) {
      const one = entryAt(a, index);
      const other = entryAt(b, index);
      if (typeof one === 'string' || typeof other === 'string') return;
      if (one.term === other.term) agreed = true;
      if (agreed && describe(one) !== describe(other)) {
        throw new RuleBroken(`logs differ at ${index}: ${describe(one)} and ${describe(other)}`);
      }
    }
  }
}

function entryAt(storage: Storage, index: number): Entry | LogGap {
  const entries = storage.entries(index, index + 1, Number.MAX_SAFE_INTEGER);
  return typeof entries === 'string' ? entries : (entries[0] as Entry);
}

function describe(entry: Entry): string {
  return `${entry.term}/${entry.type}/${entry.data === null ? '' : [...entry.data].join(',')}`;
}
