import { decodeCommand } from '../../src/store/command.ts';
import type { Entry } from '../../src/raft/types.ts';
import { StateMachine } from '../../src/store/state-machine.ts';
import type { KeyValue, Write } from '../../src/store/store.ts';
import { operationId } from '../../src/core/model/ids.ts';
import { textHash32 } from './hash-chain.ts';

/** Index and term of the snapshot that every simulated member begins with. */
export const beginning = { index: 1, term: 1 } as const;

const historyLimit = 1_000_000;

/**
 * What is committed, as an onlooker knows it who sees all members: an entry is, from the moment at
 * which the first of them applies it. Whether the others agree is for a checker to say.
 */
export class RaftLedger {
  readonly machine = new StateMachine({ historyLimit });
  /** Fingerprint of the state at each index from the beginning on. */
  readonly #digests: number[] = [];
  #digest = 0;
  /** By index and term: when the first member put the entry into its log, true ms. */
  readonly #proposedMs = new Map<string, number>();
  readonly #proposedMsOf = new Map<number, number>();

  get index(): number {
    return beginning.index + this.#digests.length - 1;
  }

  /** The state in the snapshot that all begin with. */
  begin(writes: readonly Write[]): void {
    this.#apply(() =>
      this.machine.apply({
        operation: operationId('simulated-enrolment'),
        compare: [],
        then: writes,
      }),
    );
  }

  /** A member puts these into its log. */
  proposed(entries: readonly Entry[], nowMs: number): void {
    for (const { index, term } of entries) {
      const key = `${index}/${term}`;
      if (index > this.index && !this.#proposedMs.has(key)) this.#proposedMs.set(key, nowMs);
    }
  }

  /** When the entry that made this revision was proposed, true ms; null = none did. */
  proposedAtMs(revision: number): number | null {
    return this.#proposedMsOf.get(revision) ?? null;
  }

  /** A member applied this. Anything but the next index changes nothing. */
  applied(entry: Entry): void {
    if (entry.index !== this.index + 1) return;
    const { type, data, index, term } = entry;
    const proposedMs = this.#proposedMs.get(`${index}/${term}`);
    // Before it is applied, because whoever looks on is told of a revision while it is made.
    if (proposedMs !== undefined) this.#proposedMsOf.set(this.machine.revision + 1, proposedMs);
    this.#proposedMs.delete(`${index}/${term}`);
    this.#apply(() => {
      if (type === 'normal' && data !== null) this.machine.apply(decodeCommand(data));
    });
  }

  /** Fingerprint of the state when this entry had been applied; null = it never was. */
  digestAt(index: number): number | null {
    return this.#digests[index - beginning.index] ?? null;
  }

  #apply(act: () => void): void {
    const { machine } = this;
    const before = machine.revision;
    const old = (key: string): KeyValue | null => this.#items.get(key) ?? null;
    act();
    if (machine.revision > before) {
      for (const { key, current } of machine.batchAt(machine.revision).changes) {
        this.#digest ^= digestOf(old(key)) ^ digestOf(current);
        if (current === null) this.#items.delete(key);
        else this.#items.set(key, current);
      }
    }
    this.#digests.push(this.#digest);
  }

  readonly #items = new Map<string, KeyValue>();
}

/** Fingerprint of a state: the order of its items does not matter. */
export function digestOfState(machine: StateMachine): number {
  return machine.list('').reduce((sum, item) => sum ^ digestOf(item), 0);
}

/** Fingerprint of what an entry says. */
export function digestOfEntry({ type, data }: Entry): number {
  return textHash32(`${type} ${data === null ? '' : new TextDecoder().decode(data)}`);
}

function digestOf(item: KeyValue | null): number {
  return item === null ? 0 : textHash32(JSON.stringify(item));
}
