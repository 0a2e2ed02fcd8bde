/** One entry of the heap. `sequence` breaks ties, so equal times come out in scheduling order. */
export interface HeapEntry {
  readonly atUs: number;
  readonly sequence: number;
  cancelled: boolean;
}

/** Below this size a heap full of cancelled entries costs less than cleaning it. */
const compactFrom = 1024;

function before(a: HeapEntry, b: HeapEntry): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.sequence < b.sequence);
}

/**
 * Binary min-heap on (time, sequence). Cancelled entries stay until they surface, and are swept
 * out together when they outnumber the living: most timers of real code are timeouts that never
 * fire, and removing each one at once would cost a search.
 */
export class EventHeap<T extends HeapEntry> {
  #entries: T[] = [];
  #cancelled = 0;

  /** Entries that will still come out. */
  get size(): number {
    return this.#entries.length - this.#cancelled;
  }

  push(entry: T): void {
    this.#entries.push(entry);
    this.#siftUp(this.#entries.length - 1, entry);
  }

  /** The earliest living entry, left in place; undefined when there is none. */
  peek(): T | undefined {
    let top = this.#entries[0];
    while (top !== undefined && top.cancelled) {
      this.#removeTop();
      this.#cancelled -= 1;
      top = this.#entries[0];
    }
    return top;
  }

  /** Takes the earliest living entry out; undefined when there is none. */
  pop(): T | undefined {
    const top = this.peek();
    if (top !== undefined) this.#removeTop();
    return top;
  }

  /** Marks an entry that is in this heap. Does nothing when it is marked already. */
  cancel(entry: T): void {
    if (entry.cancelled) return;
    entry.cancelled = true;
    this.#cancelled += 1;
    if (this.#entries.length > compactFrom && this.#cancelled * 2 > this.#entries.length) {
      this.#compact();
    }
  }

  #removeTop(): void {
    const last = this.#entries.pop();
    if (last !== undefined && this.#entries.length > 0) this.#siftDown(0, last);
  }

  #siftUp(from: number, entry: T): void {
    const entries = this.#entries;
    let hole = from;
    while (hole > 0) {
      const parentIndex = (hole - 1) >> 1;
      const parent = entries[parentIndex];
      if (parent === undefined || !before(entry, parent)) break;
      entries[hole] = parent;
      hole = parentIndex;
    }
    entries[hole] = entry;
  }

  #siftDown(from: number, entry: T): void {
    const entries = this.#entries;
    let hole = from;
    for (;;) {
      let childIndex = 2 * hole + 1;
      let child = entries[childIndex];
      if (child === undefined) break;
      const right = entries[childIndex + 1];
      if (right !== undefined && before(right, child)) {
        childIndex += 1;
        child = right;
      }
      if (!before(child, entry)) break;
      entries[hole] = child;
      hole = childIndex;
    }
    entries[hole] = entry;
  }

  #compact(): void {
    const living = this.#entries.filter((entry) => !entry.cancelled);
    this.#entries = living;
    this.#cancelled = 0;
    for (let index = (living.length >> 1) - 1; index >= 0; index -= 1) {
      const entry = living[index];
      if (entry !== undefined) this.#siftDown(index, entry);
    }
  }
}
