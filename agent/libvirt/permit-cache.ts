import type { VmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';

interface Entry {
  readonly domainId: number;
  readonly permit: Permit | null;
  readonly readMs: number;
}

/**
 * Permits as last read from the domains' metadata. An entry holds for one run of a domain (its id)
 * until a change is announced, and never longer than `maxAgeMs`, because events may be lost.
 */
export class PermitCache {
  readonly #maxAgeMs: number;
  readonly #entries = new Map<VmId, Entry>();
  /** Counts changes, so that a read which was overtaken by one is not kept. */
  #changes = 0;
  #lastForAll = 0;
  readonly #lastFor = new Map<VmId, number>();

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** To be taken before a read and handed to `put` with what was read. */
  mark(): number {
    return this.#changes;
  }

  /** `vm` null forgets everything. */
  invalidate(vm: VmId | null): void {
    this.#changes += 1;
    if (vm === null) {
      this.#lastForAll = this.#changes;
      this.#entries.clear();
    } else {
      this.#lastFor.set(vm, this.#changes);
      this.#entries.delete(vm);
    }
  }

  /** The cached permit (null = the domain has none), or undefined when it must be read. */
  get(vm: VmId, domainId: number, nowMs: number): Permit | null | undefined {
    const entry = this.#entries.get(vm);
    if (entry === undefined || entry.domainId !== domainId) return undefined;
    return nowMs - entry.readMs > this.#maxAgeMs ? undefined : entry.permit;
  }

  /** Keeps what was read, unless the domain changed since `mark` was taken. */
  put(vm: VmId, entry: Entry, mark: number): void {
    const changed = Math.max(this.#lastForAll, this.#lastFor.get(vm) ?? 0);
    if (changed <= mark) this.#entries.set(vm, entry);
  }

  /** Forgets domains that are no longer there. */
  retain(vms: ReadonlySet<VmId>): void {
    for (const vm of this.#entries.keys()) {
      if (!vms.has(vm)) this.#entries.delete(vm);
    }
    // Called at the end of a listing, when no read is under way that these could hold back.
    for (const vm of this.#lastFor.keys()) {
      if (!vms.has(vm)) this.#lastFor.delete(vm);
    }
  }
}
