import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCommand } from '../../src/store/command.ts';
import { decodeEntry, viewOf } from '../../src/store/log/payload.ts';
import { parseRecord, recordType } from '../../src/store/log/record.ts';
import { segmentName, segmentSequenceOf } from '../../src/store/log/segment-file.ts';
import { StateMachine } from '../../src/store/state-machine.ts';
import { readFrom } from './log-tail.ts';

/** Every change that one revision made. */
export interface Commit {
  readonly revision: number;
  /** `text` null = deleted. */
  readonly changes: readonly { readonly key: string; readonly text: string | null }[];
}

/** Where a segment's header says how long it is. */
const headerLength = { at: 12 } as const;

/** Revisions that the reader's own state machine keeps; it is read after every entry. */
const historyLimit = 16;

/**
 * Follows a manager's log on disk while the manager writes it, as a backup program would: from its
 * first entry on, and without a word with the manager. What is in the log is committed, because a
 * single manager's store answers after it has written. Of the product it uses how the store lays
 * out its log, and nothing that decides anything.
 */
export class CommitLog {
  readonly #directory: string;
  readonly #machine = new StateMachine({ historyLimit });
  /** The segment that is read, and how many of its bytes are done with. */
  #segment = 0;
  #offset = 0;
  #lastIndex = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get revision(): number {
    return this.#machine.revision;
  }

  /** Value of a key as of the last entry read; null = absent. */
  get(key: string): string | null {
    return this.#machine.get(key)?.value ?? null;
  }

  list(prefix: string): readonly { readonly key: string; readonly value: string }[] {
    return this.#machine.list(prefix);
  }

  /**
   * What was committed since the last call.
   *
   * @throws Error when entries are missing: the log was cut shorter than this reader had come.
   */
  read(): readonly Commit[] {
    const commits: Commit[] = [];
    const sequences = readdirSync(this.#directory)
      .map(segmentSequenceOf)
      .filter((sequence) => sequence !== null)
      .sort((a, b) => a - b);
    for (const sequence of sequences) {
      if (sequence >= this.#segment) this.#follow(sequence, commits);
    }
    return commits;
  }

  #follow(sequence: number, commits: Commit[]): void {
    if (sequence !== this.#segment) {
      this.#segment = sequence;
      this.#offset = 0;
    }
    const bytes = readFrom(join(this.#directory, segmentName(sequence)), this.#offset);
    if (bytes.length < headerLength.at + 4) return;
    // Offset 0 is the header, which says how long it is.
    let at = this.#offset === 0 ? viewOf(bytes).getUint32(headerLength.at, true) : 0;
    for (;;) {
      const record = parseRecord(bytes, at);
      if (record === null) break; // the end, or a write that is under way
      at = record.end;
      const entry = record.type === recordType.entry ? decodeEntry(record.payload) : null;
      if (entry === null || entry.index <= this.#lastIndex) continue;
      if (entry.index !== this.#lastIndex + 1) {
        throw new Error(`entries ${this.#lastIndex + 1} to ${entry.index - 1} of the log are gone`);
      }
      this.#lastIndex = entry.index;
      this.#apply(entry.bytes, commits);
    }
    this.#offset += at;
  }

  #apply(bytes: Uint8Array, commits: Commit[]): void {
    const before = this.#machine.revision;
    this.#machine.apply(decodeCommand(bytes));
    const { revision } = this.#machine;
    if (revision === before) return;
    const changes = this.#machine
      .batchAt(revision)
      .changes.map(({ key, current }) => ({ key, text: current?.value ?? null }));
    commits.push({ revision, changes });
  }
}
