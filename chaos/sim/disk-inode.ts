/** A byte array that grows in place. Bytes between its old end and a later write are zero. */
class Bytes {
  #buffer = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  resize(length: number): void {
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, this.#buffer.length * 2, 256));
      grown.set(this.view());
      this.#buffer = grown;
    }
    if (length < this.#length) this.#buffer.fill(0, length, this.#length);
    this.#length = length;
  }

  write(position: number, bytes: Uint8Array): void {
    if (position + bytes.length > this.#length) this.resize(position + bytes.length);
    this.#buffer.set(bytes, position);
  }
}

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly length: number };

/**
 * What a crash leaves of unsynced changes: `none` of them, `all`, all but a torn last write, or
 * any subset of sectors each at any age, which is what a page cache may do.
 */
export type Survival = 'none' | 'all' | 'torn' | 'random';

const sectorBytes = 512;

/** One file: what a reader sees, what is on the platter, and the changes in between. */
export class Inode {
  readonly #seen = new Bytes();
  readonly #durable = new Bytes();
  #pending: Change[] = [];

  get size(): number {
    return this.#seen.length;
  }

  read(position: number, length: number): Uint8Array {
    return this.#seen.view().slice(position, position + length);
  }

  write(position: number, bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.#seen.write(position, copy);
    this.#pending.push({ kind: 'write', position, bytes: copy });
  }

  truncate(length: number): void {
    this.#seen.resize(length);
    this.#pending.push({ kind: 'truncate', length });
  }

  sync(): void {
    for (const change of this.#pending) applyChange(this.#durable, change);
    this.#pending = [];
  }

  /** A failed sync: the changes stay readable, count as clean, and never reach the platter. */
  loseUnsynced(): void {
    this.#pending = [];
  }

  /** Bit rot: as on the platter, so for every reader. */
  flip(offset: number, mask: number): void {
    for (const bytes of [this.#seen, this.#durable]) {
      if (offset >= bytes.length) continue;
      const view = bytes.view();
      view[offset] = (view[offset] ?? 0) ^ mask;
    }
  }

  /** Content that was always there. */
  place(bytes: Uint8Array): void {
    for (const target of [this.#seen, this.#durable]) {
      target.resize(0);
      target.write(0, bytes);
    }
    this.#pending = [];
  }

  crash(survival: Survival, fraction: () => number): void {
    this.#settle(survival, fraction);
    this.#pending = [];
    this.#seen.resize(0);
    this.#seen.write(0, this.#durable.view());
  }

  #settle(survival: Survival, fraction: () => number): void {
    switch (survival) {
      case 'none':
        return;
      case 'all':
        this.sync();
        return;
      case 'torn':
        this.#tearLast(fraction);
        return;
      case 'random':
        this.#mixSectors(fraction);
    }
  }

  #tearLast(fraction: () => number): void {
    const last = this.#pending.pop();
    this.sync();
    if (last === undefined) return;
    if (last.kind === 'truncate') {
      if (fraction() < 0.5) applyChange(this.#durable, last);
      return;
    }
    const kept = Math.floor(fraction() * (last.bytes.length + 1));
    if (kept > 0) this.#durable.write(last.position, last.bytes.subarray(0, kept));
  }

  /** Each sector stops at a moment of its own, and so does the length. Holes read as zero. */
  #mixSectors(fraction: () => number): void {
    if (this.#pending.length === 0) return;
    const ages = [this.#durable.view().slice()];
    const running = new Bytes();
    running.write(0, this.#durable.view());
    for (const change of this.#pending) {
      applyChange(running, change);
      ages.push(running.view().slice());
    }
    const pick = (): Uint8Array => ages[Math.floor(fraction() * ages.length)] ?? new Uint8Array(0);
    const length = pick().length;
    const mixed = new Uint8Array(length);
    for (let at = 0; at < length; at += sectorBytes) {
      mixed.set(pick().subarray(at, Math.min(at + sectorBytes, length)), at);
    }
    this.#durable.resize(0);
    this.#durable.write(0, mixed);
  }
}

function applyChange(bytes: Bytes, change: Change): void {
  if (change.kind === 'write') bytes.write(change.position, change.bytes);
  else bytes.resize(change.length);
}
