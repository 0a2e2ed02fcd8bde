import { DiskError, type Disk, type DiskFile } from '../../src/env/disk.ts';
import type { Timers } from '../../src/env/env.ts';
import { Inode, type Survival } from './disk-inode.ts';
import { NameTree, parentOf } from './disk-names.ts';
import { DiskView, missing, type DiskCore, type DiskOperation } from './disk-view.ts';

/** Makes the next matching operations fail. */
interface DiskFault {
  readonly operation: DiskOperation;
  /** Part of the path; every path when absent. */
  readonly path?: string;
  readonly code: string;
  /** How often; 1 when absent. */
  readonly times?: number;
  /** Matching operations to let through first. */
  readonly after?: number;
}

export interface CrashOptions {
  /** What is left of unsynced content. */
  readonly content: Survival;
  /** What is left of unsynced names; `random` keeps the first few of them. */
  readonly names: 'none' | 'all' | 'random';
}

interface SimDiskOptions {
  /** Draws for crashes, in [0, 1). Needed for `torn` and `random` only. */
  readonly fraction?: () => number;
  /** With both of these, operations take time. */
  readonly timers?: Timers;
  readonly latencyMs?: (operation: DiskOperation, path: string) => number;
}

interface ActiveFault extends DiskFault {
  left: number;
  skip: number;
}

/** Where a process ends: at the `n`-th operation from now, of one kind if that is given. */
export interface DiskStop {
  readonly n: number;
  readonly operation?: DiskOperation;
  /** Whether that operation still happens. Its answer never comes. */
  readonly takesEffect: boolean;
}

interface ActiveStop extends DiskStop {
  left: number;
  readonly done: () => void;
}

const never = new Promise<never>(() => undefined);

/**
 * The simulator's disk. It keeps what was synced apart from what was only written, for content and
 * for names, and loses the difference in a crash. It also fails, fills up and rots on demand.
 *
 * Used as a `Disk` it serves whoever calls: after `crash` or `kill` it takes every caller for the
 * next process, so the dead one must be kept off it (`tiedDisk` does). Or give each process an
 * `attach` of its own, which dies with it.
 */
export class SimDisk implements Disk {
  readonly #options: SimDiskOptions;
  readonly #names = new NameTree();
  readonly #locks = new Map<string, DiskView>();
  readonly #core: DiskCore;
  #views: DiskView[] = [];
  #own: DiskView;
  #faults: ActiveFault[] = [];
  #capacityBytes = Number.POSITIVE_INFINITY;
  #operations = 0;
  #delayMs = 0;
  #stop: ActiveStop | null = null;

  constructor(options: SimDiskOptions = {}) {
    this.#options = options;
    const freeBytes = (): number => this.#capacityBytes - this.usedBytes;
    this.#core = {
      names: this.#names,
      locks: this.#locks,
      get freeBytes() {
        return freeBytes();
      },
      run: (view, operation, path, act, inode) => this.#run(view, operation, path, act, inode),
    };
    this.#own = this.attach('a simulated process');
  }

  /** The disk for one process, with a life of its own. */
  attach(name: string): DiskView {
    const view = new DiskView(this.#core, name);
    this.#views = [...this.#views.filter((other) => !other.dead), view];
    return view;
  }

  // --- What happens to a disk.

  /** Power loss or kernel crash: every process ends, and what was not synced is in doubt. */
  crash(options: CrashOptions): void {
    const fraction = this.#options.fraction ?? noFraction;
    const inodes = this.#names.inodes();
    this.#names.crash(shareOf(options.names, fraction));
    for (const inode of inodes) inode.crash(options.content, fraction);
    for (const view of this.#views) view.kill();
    this.kill();
  }

  /** The process that uses this object as its disk dies; the kernel and the page cache live. */
  kill(): void {
    this.#own.kill();
    this.#own = this.attach('a simulated process');
  }

  inject(fault: DiskFault): void {
    this.#faults.push({ ...fault, left: fault.times ?? 1, skip: fault.after ?? 0 });
  }

  /** Nothing that was asked for and has not happened yet will happen; full and slow are over too. */
  clearFaults(): void {
    this.#faults = [];
    this.#stop = null;
    this.#delayMs = 0;
    this.#capacityBytes = Number.POSITIVE_INFINITY;
  }

  /** Every write and every sync takes so much longer. */
  slowBy(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** All files together hold no more than this; a write over it is cut short with ENOSPC. */
  setCapacity(bytes: number): void {
    this.#capacityBytes = bytes;
  }

  /** Kills the process that comes to this operation; resolves then. For `crash` to follow. */
  stopAt(stop: DiskStop): Promise<void> {
    return new Promise((resolve) => {
      this.#stop = { ...stop, left: stop.n, done: resolve };
    });
  }

  /** Operations so far, of all processes. */
  get operations(): number {
    return this.#operations;
  }

  get usedBytes(): number {
    return this.#names.paths().reduce((sum, path) => sum + this.#inode(path).size, 0);
  }

  // --- Looking at it and tampering with it, beside all rules.

  paths(): readonly string[] {
    return this.#names.paths();
  }

  content(path: string): Uint8Array {
    const inode = this.#inode(path);
    return inode.read(0, inode.size);
  }

  /** Puts content there, and the directories above it, as if it had always been there. */
  place(path: string, bytes: Uint8Array): void {
    for (let up = parentOf(path); !this.#names.hasDirectory(up); up = parentOf(up)) {
      this.#names.addDirectory(up);
    }
    const inode = this.#names.file(path) ?? new Inode();
    this.#names.link(path, inode);
    for (let up = parentOf(path); up !== '/'; up = parentOf(up)) this.#names.sync(up);
    this.#names.sync('/');
    inode.place(bytes);
  }

  /** Everything below a directory is gone, as when the disk was swapped for an empty one. */
  erase(directory: string): void {
    for (const path of this.paths()) {
      if (path.startsWith(`${directory}/`)) this.#names.unlink(path);
    }
    this.#names.sync(directory);
  }

  flip(path: string, offset: number, mask = 1): void {
    this.#inode(path).flip(offset, mask);
  }

  // --- Disk

  open(path: string, options: { readonly create: boolean }): Promise<DiskFile> {
    return this.#own.open(path, options);
  }

  read(path: string): Promise<Uint8Array | null> {
    return this.#own.read(path);
  }

  replace(path: string, bytes: Uint8Array): Promise<void> {
    return this.#own.replace(path, bytes);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#own.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#own.remove(path);
  }

  list(directory: string): Promise<readonly string[]> {
    return this.#own.list(directory);
  }

  makeDirectory(path: string): Promise<void> {
    return this.#own.makeDirectory(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#own.syncDirectory(path);
  }

  lock(path: string): ReturnType<Disk['lock']> {
    return this.#own.lock(path);
  }

  async #run<Answer>(
    view: DiskView,
    operation: DiskOperation,
    path: string,
    act: () => Answer,
    inode?: Inode,
  ): Promise<Answer> {
    await this.#wait(operation, path);
    if (view.dead) return never;
    this.#operations += 1;
    const stop = this.#stopDue(operation);
    if (stop !== null) {
      if (stop.takesEffect) act();
      view.kill();
      stop.done();
      return never;
    }
    const code = this.#faultOf(operation, path);
    if (code !== null) {
      if (operation === 'datasync') inode?.loseUnsynced();
      throw new DiskError(code, path, `${code}: ${operation} ${path}`);
    }
    return act();
  }

  async #wait(operation: DiskOperation, path: string): Promise<void> {
    const { timers, latencyMs } = this.#options;
    const more = operation === 'write' || operation === 'datasync' ? this.#delayMs : 0;
    const delayMs = (latencyMs?.(operation, path) ?? 0) + more;
    if (timers === undefined || delayMs <= 0) return;
    await new Promise<void>((resolve) => {
      timers.after(delayMs, resolve);
    });
  }

  #stopDue(operation: DiskOperation): ActiveStop | null {
    const stop = this.#stop;
    if (stop === null || operation !== (stop.operation ?? operation)) return null;
    stop.left -= 1;
    if (stop.left > 0) return null;
    this.#stop = null;
    return stop;
  }

  #faultOf(operation: DiskOperation, path: string): string | null {
    for (const fault of this.#faults) {
      if (fault.left === 0 || fault.operation !== operation) continue;
      if (!path.includes(fault.path ?? '')) continue;
      if (fault.skip > 0) {
        fault.skip -= 1;
        continue;
      }
      fault.left -= 1;
      return fault.code;
    }
    return null;
  }

  #inode(path: string): Inode {
    const inode = this.#names.file(path);
    if (inode === undefined) throw missing(path);
    return inode;
  }
}

function shareOf(names: CrashOptions['names'], fraction: () => number): number {
  if (names === 'random') return fraction();
  return names === 'all' ? 1 : 0;
}

function noFraction(): number {
  throw new Error('this crash needs SimDiskOptions.fraction');
}
