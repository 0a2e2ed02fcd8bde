import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { viewOf } from '../../src/store/log/payload.ts';
import { parseRecord } from '../../src/store/log/record.ts';
import { segmentName, segmentSequenceOf } from '../../src/store/log/segment-file.ts';
import { readFrom } from './log-tail.ts';

/** Where a segment's header says how long it is. */
const headerLength = { at: 12 } as const;

type LogRecord = NonNullable<ReturnType<typeof parseRecord>>;

/**
 * Follows the log of a store on disk while a manager writes it, as a backup program would: from its
 * first record on, and without a word with the manager.
 */
export class SegmentReader {
  readonly #directory: string;
  /** The segment that is read, and how many of its bytes are done with. */
  #segment = 0;
  #offset = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Tells what was written since the last call. */
  read(tell: (record: LogRecord) => void): void {
    const sequences = readdirSync(this.#directory)
      .map(segmentSequenceOf)
      .filter((sequence) => sequence !== null)
      .sort((a, b) => a - b);
    for (const sequence of sequences) {
      if (sequence >= this.#segment) this.#follow(sequence, tell);
    }
  }

  #follow(sequence: number, tell: (record: LogRecord) => void): void {
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
      tell(record);
    }
    this.#offset += at;
  }
}
