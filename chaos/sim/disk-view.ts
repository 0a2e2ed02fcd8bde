import { DiskError, type Disk, type DiskFile } from '../../src/env/disk.ts';
import { Inode } from './disk-inode.ts';
import { parentOf, type NameTree } from './disk-names.ts';

export type DiskOperation =
  | 'open'
  | 'size'
  | 'read'
  | 'write'
  | 'truncate'
  | 'datasync'
  | 'rename'
  | 'remove'
  | 'list'
  | 'makeDirectory'
  | 'syncDirectory'
  | 'lock';

/** What a view needs of the disk behind it. */
export interface DiskCore {
  readonly names: NameTree;
  /** Holder by path. */
  readonly locks: Map<string, DiskView>;
  readonly freeBytes: number;
  /** Does one operation in its time, unless a fault or the end of the process comes first. */
  run<Answer>(
    view: DiskView,
    operation: DiskOperation,
    path: string,
    act: () => Answer,
    inode?: Inode,
  ): Promise<Answer>;
}

/** The disk as one process has it. After `kill`, whatever that process waits for never comes. */
export class DiskView implements Disk {
  readonly name: string;
  readonly #core: DiskCore;
  #dead = false;

  constructor(core: DiskCore, name: string) {
    this.#core = core;
    this.name = name;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** The process dies, the kernel lives: nothing written is lost, nothing becomes durable. */
  kill(): void {
    this.#dead = true;
    const { locks } = this.#core;
    for (const [path, holder] of locks) if (holder === this) locks.delete(path);
  }

  open(path: string, options: { readonly create: boolean }): Promise<DiskFile> {
    return this.#run('open', path, () => {
      const { names } = this.#core;
      let inode = names.file(path);
      if (inode === undefined) {
        if (!options.create || !names.hasDirectory(parentOf(path))) throw missing(path);
        inode = new Inode();
        names.link(path, inode);
      }
      return this.#file(path, inode);
    });
  }

  read(path: string): Promise<Uint8Array | null> {
    return this.#run('read', path, () => {
      const inode = this.#core.names.file(path);
      return inode === undefined ? null : inode.read(0, inode.size);
    });
  }

  async replace(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${path}.tmp`;
    const file = await this.open(temporary, { create: true });
    try {
      await file.truncate(0);
      await file.write(0, bytes);
      await file.datasync();
      await this.rename(temporary, path);
    } catch (error) {
      await this.remove(temporary).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
    await this.syncDirectory(parentOf(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run('rename', from, () => {
      const { names } = this.#core;
      if (names.file(from) === undefined) throw missing(from);
      names.rename(from, to);
    });
  }

  remove(path: string): Promise<void> {
    return this.#run('remove', path, () => {
      const { names } = this.#core;
      if (names.file(path) === undefined) throw missing(path);
      names.unlink(path);
    });
  }

  list(directory: string): Promise<readonly string[]> {
    return this.#run('list', directory, () => this.#core.names.children(directory));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#run('makeDirectory', path, () => {
      const { names } = this.#core;
      const absent: string[] = [];
      for (let up = path; !names.hasDirectory(up); up = parentOf(up)) absent.push(up);
      for (const directory of absent.reverse()) {
        names.addDirectory(directory);
        // Whether the last one is durable too is left to the caller, which the port does not forbid.
        if (directory !== path) names.sync(parentOf(directory));
      }
    });
  }

  syncDirectory(path: string): Promise<void> {
    return this.#run('syncDirectory', path, () => {
      const { names } = this.#core;
      if (!names.hasDirectory(path)) throw missing(path);
      names.sync(path);
    });
  }

  lock(
    path: string,
  ): Promise<
    | { readonly kind: 'locked'; release(): Promise<void> }
    | { readonly kind: 'held'; readonly holder: string }
  > {
    return this.#run('lock', path, () => {
      const { locks } = this.#core;
      const holder = locks.get(path);
      if (holder !== undefined) return { kind: 'held', holder: holder.name } as const;
      locks.set(path, this);
      const release = async (): Promise<void> => {
        await Promise.resolve();
        if (locks.get(path) === this) locks.delete(path);
      };
      return { kind: 'locked', release } as const;
    });
  }

  #file(path: string, inode: Inode): DiskFile {
    let isOpen = true;
    const run = <Answer>(operation: DiskOperation, act: () => Answer): Promise<Answer> => {
      if (!isOpen) return Promise.reject(new DiskError('EBADF', path, `EBADF: ${path} is closed`));
      return this.#core.run(this, operation, path, act, inode);
    };
    return {
      size: () => run('size', () => inode.size),
      read: (position, length) => run('read', () => inode.read(position, length)),
      write: (position, bytes) => run('write', () => this.#write(path, inode, position, bytes)),
      truncate: (length) => run('truncate', () => inode.truncate(length)),
      datasync: () => run('datasync', () => inode.sync()),
      close: async () => {
        await Promise.resolve();
        isOpen = false;
      },
    };
  }

  /** A write that does not fit is cut short, as the kernel does. */
  #write(path: string, inode: Inode, position: number, bytes: Uint8Array): void {
    const growth = Math.max(0, position + bytes.length - inode.size);
    const over = growth - Math.max(0, this.#core.freeBytes);
    if (over <= 0) {
      inode.write(position, bytes);
      return;
    }
    if (over < bytes.length) inode.write(position, bytes.subarray(0, bytes.length - over));
    throw new DiskError('ENOSPC', path, `ENOSPC: no space left for ${path}`);
  }

  #run<Answer>(operation: DiskOperation, path: string, act: () => Answer): Promise<Answer> {
    return this.#core.run(this, operation, path, act);
  }
}

/** ENOENT, as every call on an absent path gives it. */
export function missing(path: string): DiskError {
  return new DiskError('ENOENT', path, `ENOENT: no such file or directory, ${path}`);
}
