/** Who may write to a disk: one start of one VM on one node under one permit. */
export interface DiskWriter {
  readonly vm: string;
  readonly node: string;
  readonly token: number | null;
}

/** The time in which a writer could write; `toMs` is null while it still can. */
export interface WriteInterval {
  readonly disk: string;
  readonly writer: DiskWriter;
  readonly fromMs: number;
  readonly toMs: number | null;
}

/** Two writers of one disk at one time: a violation of invariant I1. */
export interface WriteOverlap {
  readonly disk: string;
  /** In the order in which they began. */
  readonly first: WriteInterval;
  readonly second: WriteInterval;
  readonly fromMs: number;
  /** Null while both still write. */
  readonly toMs: number | null;
}

interface OpenInterval {
  readonly disk: string;
  readonly writer: DiskWriter;
  readonly fromMs: number;
  toMs: number | null;
}

/**
 * For every VM disk of the simulation, who could write to it and when. It is kept by the simulated
 * storage, knows nothing of permits or managers, and so sees a double writer directly.
 */
export class WriteLog {
  readonly #byDisk = new Map<string, OpenInterval[]>();
  readonly #overlaps: { readonly first: OpenInterval; readonly second: OpenInterval }[] = [];

  /** From now on `writer` may write to `disk`. The result ends that; ending twice does nothing. */
  begin(disk: string, writer: DiskWriter, nowMs: number): (endMs: number) => void {
    const intervals = this.#byDisk.get(disk) ?? [];
    this.#byDisk.set(disk, intervals);
    const interval: OpenInterval = { disk, writer, fromMs: nowMs, toMs: null };
    for (const other of intervals) {
      if (other.toMs === null || other.toMs > nowMs) {
        this.#overlaps.push({ first: other, second: interval });
      }
    }
    intervals.push(interval);
    return (endMs) => {
      interval.toMs ??= endMs;
    };
  }

  /** Every interval of a disk, by beginning. */
  intervals(disk: string): readonly WriteInterval[] {
    return this.#byDisk.get(disk) ?? [];
  }

  /** Disks that were ever written to, sorted. */
  disks(): readonly string[] {
    return [...this.#byDisk.keys()].sort();
  }

  /** Who may write to the disk now. */
  writers(disk: string): readonly DiskWriter[] {
    return this.intervals(disk)
      .filter((interval) => interval.toMs === null)
      .map((interval) => interval.writer);
  }

  /** Number of overlaps seen so far; cheap enough to ask after every event. */
  get overlapCount(): number {
    return this.#overlaps.length;
  }

  /** Every pair of writers that met on one disk. One that ends as the other begins is no overlap. */
  overlaps(): readonly WriteOverlap[] {
    return this.#overlaps.map(({ first, second }) => ({
      disk: first.disk,
      first: { ...first },
      second: { ...second },
      fromMs: second.fromMs,
      toMs: earlier(first.toMs, second.toMs),
    }));
  }
}

function earlier(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}
