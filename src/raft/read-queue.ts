import { asciiText } from './ascii.ts';
import type { Id, Message } from './types.ts';

/** A read waits until a quorum has confirmed that its leader led after the read arrived. */
export interface PendingRead {
  readonly request: Message;
  /** The commit index when it arrived: what must be applied before it is served. */
  readonly index: number;
  readonly acks: Map<Id, boolean>;
  readonly key: string;
}

/** The bytes that tell a read from all others; the same bytes twice are the same read. */
export function readContext(request: Message): Uint8Array {
  return request.entries[0]?.data ?? new Uint8Array();
}

/** Reads that wait, in the order in which they arrived. Heartbeats carry the context of the last. */
export class ReadQueue {
  #queue: PendingRead[] = [];

  add(index: number, request: Message): void {
    const key = asciiText(readContext(request));
    if (this.#find(key) !== undefined) return;
    this.#queue.push({ request, index, acks: new Map(), key });
  }

  /** Counts a confirmation; the read it belongs to, unless that was answered already. */
  acknowledge(from: Id, context: Uint8Array): PendingRead | undefined {
    const read = this.#find(asciiText(context));
    read?.acks.set(from, true);
    return read;
  }

  /** A confirmed read, and every one that arrived before it: takes them out. */
  takeThrough(read: PendingRead): readonly PendingRead[] {
    const at = this.#queue.indexOf(read);
    return this.#queue.splice(0, at + 1);
  }

  lastContext(): Uint8Array | null {
    const last = this.#queue.at(-1);
    return last === undefined ? null : readContext(last.request);
  }

  clear(): void {
    if (this.#queue.length > 0) this.#queue = [];
  }

  #find(key: string): PendingRead | undefined {
    return this.#queue.find((read) => read.key === key);
  }
}
