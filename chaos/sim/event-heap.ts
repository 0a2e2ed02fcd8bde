/** One entry of the heap. `sequence` breaks ties, so equal times come out in scheduling order. */
export interface HeapEntry {
  readonly atUs: number;
  readonly sequence: number;
  cancelled: boolean;
}

/** Below this size a heap full of cancelled entries costs less than cleaning it. */
const compactFrom = 1024;

/**
 * Min-heap on (time, sequence), with four children to an entry: half the levels of two. The keys lie in arrays of their own, so that comparing follows no pointer. Cancelled entries stay until they surface, and are swept out together when they
 * outnumber the living: most timers of real code are timeouts that never fire, and removing each
 * one at once would cost a search.
 */
export class EventHeap<T extends HeapEntry> {
  #times = new Float64Array(compactFrom);
  #sequences = new Float64Array(compactFrom);
  readonly #entries: T[] = [];
  #cancelled = 0;

  /** Entries that will still come out. */
  get size(): number {
    return this.#entries.length - this.#cancelled;
  }

  push(entry: T): void {
    const index = this.#entries.length;
    if (index === this.#times.length) this.#grow();
    this.#entries.push(entry);
    this.#siftUp(index, entry);
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
    const { atUs, sequence } = entry;
    const times = this.#times;
    const sequences = this.#sequences;
    const entries = this.#entries;
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      const time = times[parent] ?? 0;
      const order = sequences[parent] ?? 0;
      const above = entries[parent];
      if (above === undefined || time < atUs || (time === atUs && order < sequence)) break;
      times[hole] = time;
      sequences[hole] = order;
      entries[hole] = above;
      hole = parent;
    }
    times[hole] = atUs;
    sequences[hole] = sequence;
    entries[hole] = entry;
  }

  #siftDown(from: number, entry: T): void {
    const { atUs, sequence } = entry;
    const times = this.#times;
    const sequences = this.#sequences;
    const entries = this.#entries;
    const { length } = entries;
    let hole = from;
    for (;;) {
      const first = hole * 4 + 1;
      const end = Math.min(first + 4, length);
      let least = hole;
      let time = atUs;
      let order = sequence;
      for (let child = first; child < end; child += 1) {
        const childTime = times[child] ?? 0;
        if (childTime > time) continue;
        const childOrder = sequences[child] ?? 0;
        if (childTime === time && childOrder > order) continue;
        least = child;
        time = childTime;
        order = childOrder;
      }
      const below = entries[least];
      if (least === hole || below === undefined) break;
      times[hole] = time;
      sequences[hole] = order;
      entries[hole] = below;
      hole = least;
    }
    times[hole] = atUs;
    sequences[hole] = sequence;
    entries[hole] = entry;
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2);
    const sequences = new Float64Array(times.length);
    times.set(this.#times);
    sequences.set(this.#sequences);
    this.#times = times;
    this.#sequences = sequences;
  }

  #compact(): void {
    const living = this.#entries.filter((entry) => !entry.cancelled);
    this.#entries.length = 0;
    this.#cancelled = 0;
    for (const entry of living) this.push(entry);
  }
}
