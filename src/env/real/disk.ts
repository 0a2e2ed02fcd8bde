import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DiskError, type Disk, type DiskFile } from '../disk.ts';
import { lockPath } from './disk-lock.ts';

/** The disk of this machine. Every refusal of the operating system becomes a `DiskError`. */
export function realDisk(): Disk {
  return {
    open: (path, options) => openFile(path, options.create),
    read: readWhole,
    replace: replaceFile,
    rename: (from, to) => asDiskError(from, () => rename(from, to)),
    remove: (path) => asDiskError(path, () => unlink(path)),
    list: listDirectory,
    makeDirectory: (path, options) => makeDirectory(path, options.mode),
    syncDirectory,
    lock: (path) => asDiskError(path, () => lockPath(path)),
  };
}

class RealFile implements DiskFile {
  readonly #handle: FileHandle;
  readonly #path: string;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  size(): Promise<number> {
    return asDiskError(this.#path, async () => (await this.#handle.stat()).size);
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return asDiskError(this.#path, async () => {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await this.#handle.read(bytes, done, length - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes.subarray(0, done);
    });
  }

  write(position: number, bytes: Uint8Array): Promise<void> {
    return asDiskError(this.#path, () => writeAll(this.#handle, position, bytes));
  }

  truncate(length: number): Promise<void> {
    return asDiskError(this.#path, () => this.#handle.truncate(length));
  }

  datasync(): Promise<void> {
    return asDiskError(this.#path, () => this.#handle.datasync());
  }

  close(): Promise<void> {
    return asDiskError(this.#path, () => this.#handle.close());
  }
}

async function openFile(path: string, create: boolean): Promise<DiskFile> {
  return asDiskError(path, async () => new RealFile(await openOrCreate(path, create), path));
}

async function openOrCreate(path: string, create: boolean): Promise<FileHandle> {
  if (!create) return open(path, 'r+');
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  // `wx+` would fail when two callers create at once; `a+` would ignore positions. `w+` would cut.
  try {
    return await open(path, 'wx+', 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return open(path, 'r+');
  }
}

async function readWhole(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw diskErrorFrom(error, path);
  }
}

async function replaceFile(
  path: string,
  bytes: Uint8Array,
  options: { readonly mode: number },
): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  await asDiskError(path, async () => {
    const handle = await open(temporary, 'wx', options.mode);
    try {
      try {
        // The umask may have taken bits away.
        await handle.chmod(options.mode);
        await writeAll(handle, 0, bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
  });
  await syncDirectory(dirname(path));
}

async function listDirectory(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw diskErrorFrom(error, directory);
  }
}

/** Makes missing parents too, and syncs each directory that got a new entry. */
async function makeDirectory(path: string, mode: number): Promise<void> {
  const target = resolve(path);
  const first = await asDiskError(target, () => mkdir(target, { recursive: true, mode }));
  if (first === undefined) return;
  for (let made = target; made.length >= first.length; made = dirname(made)) {
    await syncDirectory(dirname(made));
  }
}

async function syncDirectory(path: string): Promise<void> {
  await asDiskError(path, async () => {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

async function writeAll(handle: FileHandle, position: number, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const left = bytes.length - done;
    const { bytesWritten } = await handle.write(bytes, done, left, position + done);
    done += bytesWritten;
  }
}

async function asDiskError<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw diskErrorFrom(error, path);
  }
}

function diskErrorFrom(error: unknown, path: string): unknown {
  if (error instanceof DiskError) return error;
  const code = errnoOf(error);
  if (code === null || !(error instanceof Error)) return error;
  return new DiskError(code, path, error.message);
}

/** Errno names are upper-case; Node's own `ERR_…` codes are bugs of the caller and pass through. */
function errnoOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  const { code } = error;
  return typeof code === 'string' && /^E(?!RR_)[A-Z0-9]+$/.test(code) ? code : null;
}
