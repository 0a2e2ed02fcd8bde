import type { Inode } from './disk-inode.ts';

/** One change of names; `directories` are those whose sync makes it durable. */
interface NameChange {
  readonly directories: readonly string[];
  apply(names: Names): void;
}

interface Names {
  readonly files: Map<string, Inode>;
  readonly directories: Set<string>;
}

/** Directory entries: as a process sees them, as they are on the platter, and what is in between. */
export class NameTree {
  #seen: Names = { files: new Map(), directories: new Set(['/']) };
  #durable: Names = { files: new Map(), directories: new Set(['/']) };
  #pending: NameChange[] = [];

  file(path: string): Inode | undefined {
    return this.#seen.files.get(path);
  }

  hasDirectory(path: string): boolean {
    return this.#seen.directories.has(path);
  }

  /** All files that exist for anybody, on the platter or only in memory. */
  inodes(): ReadonlySet<Inode> {
    return new Set([...this.#seen.files.values(), ...this.#durable.files.values()]);
  }

  paths(): readonly string[] {
    return [...this.#seen.files.keys()].sort();
  }

  children(directory: string): readonly string[] {
    return [...this.#seen.files.keys(), ...this.#seen.directories]
      .filter((path) => path !== '/' && parentOf(path) === directory)
      .map((path) => path.slice(path.lastIndexOf('/') + 1))
      .sort();
  }

  link(path: string, inode: Inode): void {
    this.#change([parentOf(path)], (names) => names.files.set(path, inode));
  }

  unlink(path: string): void {
    this.#change([parentOf(path)], (names) => names.files.delete(path));
  }

  /** In one step, also over a crash; either directory's sync makes it durable. */
  rename(from: string, to: string): void {
    const inode = this.#seen.files.get(from);
    if (inode === undefined) return;
    this.#change([parentOf(from), parentOf(to)], (names) => {
      names.files.delete(from);
      names.files.set(to, inode);
    });
  }

  addDirectory(path: string): void {
    this.#change([parentOf(path)], (names) => names.directories.add(path));
  }

  sync(directory: string): void {
    const due = this.#pending.filter((change) => change.directories.includes(directory));
    for (const change of due) change.apply(this.#durable);
    this.#pending = this.#pending.filter((change) => !due.includes(change));
  }

  /** As if `count` of the unsynced changes, in their order, had reached the journal. */
  crash(share: number): void {
    const kept = Math.round(share * this.#pending.length);
    for (const change of this.#pending.slice(0, kept)) change.apply(this.#durable);
    this.#pending = [];
    this.#dropOrphans();
    this.#seen = {
      files: new Map(this.#durable.files),
      directories: new Set(this.#durable.directories),
    };
  }

  #change(directories: readonly string[], apply: (names: Names) => void): void {
    apply(this.#seen);
    this.#pending.push({ directories, apply });
  }

  #dropOrphans(): void {
    const { files, directories } = this.#durable;
    const isReachable = (path: string): boolean => {
      for (let up = parentOf(path); up !== '/'; up = parentOf(up)) {
        if (!directories.has(up)) return false;
      }
      return true;
    };
    for (const path of directories) {
      if (path !== '/' && !isReachable(path)) directories.delete(path);
    }
    for (const path of files.keys()) {
      if (!isReachable(path)) files.delete(path);
    }
  }
}

/** Of an absolute path; the parent of `/` is `/`. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
