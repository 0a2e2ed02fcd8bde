import { decodeCommand } from '../../src/store/command.ts';
import { StateMachine } from '../../src/store/state-machine.ts';

/** Every change that one revision made. */
export interface Commit {
  readonly revision: number;
  /** `text` null = deleted. */
  readonly changes: readonly { readonly key: string; readonly text: string | null }[];
  /** When its entry was first seen on a disk, in the reader's time, ms; absent = when it is told. */
  readonly seenAtMs?: number;
}

/** What is committed, read from outside, and read again and again. */
export interface CommitSource {
  readonly revision: number;
  /** Of the newest entry that is known to be committed. */
  readonly index: number;
  /** Of the newest entry on any disk. What was acknowledged before it was read is not behind it. */
  readonly lastIndex: number;
  /** Value of a key as of the last entry read; null = absent. */
  get(key: string): string | null;
  list(prefix: string): readonly { readonly key: string; readonly value: string }[];
  /**
   * What was committed since the last call.
   *
   * @throws Error when it cannot be told any more.
   */
  read(): readonly Commit[];
}

/** Revisions that the reader's own state machine keeps; it is read after every entry. */
const historyLimit = 16;

/** What the committed entries come to, one after the other. */
export class CommittedState {
  readonly #machine = new StateMachine({ historyLimit });

  get revision(): number {
    return this.#machine.revision;
  }

  get(key: string): string | null {
    return this.#machine.get(key)?.value ?? null;
  }

  list(prefix: string): readonly { readonly key: string; readonly value: string }[] {
    return this.#machine.list(prefix);
  }

  /** @returns null when the entry made no revision. */
  apply(bytes: Uint8Array): Commit | null {
    const before = this.#machine.revision;
    this.#machine.apply(decodeCommand(bytes));
    const { revision } = this.#machine;
    if (revision === before) return null;
    const changes = this.#machine
      .batchAt(revision)
      .changes.map(({ key, current }) => ({ key, text: current?.value ?? null }));
    return { revision, changes };
  }
}
