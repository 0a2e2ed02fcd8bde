import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** What a file holds from `offset` on; empty when there is no such file, or nothing more. */
export function readFrom(path: string, offset: number): Buffer {
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch {
    return Buffer.alloc(0);
  }
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(handle).size - offset));
    return bytes.subarray(0, readSync(handle, bytes, 0, bytes.length, offset));
  } finally {
    closeSync(handle);
  }
}

/** Whole lines that were added to a growing text file since the last call. */
export class LogTail {
  readonly #path: string;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  read(): readonly string[] {
    const bytes = readFrom(this.#path, this.#offset);
    const end = bytes.lastIndexOf(10) + 1;
    this.#offset += end;
    return bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
  }
}
