/** Thrown by every `Disk` call that the operating system refused. `code` is the errno name. */
export class DiskError extends Error {
  readonly code: string;
  readonly path: string;
  constructor(code: string, path: string, message: string) {
    super(message);
    this.name = 'DiskError';
    this.code = code;
    this.path = path;
  }
}

export interface DiskFile {
  size(): Promise<number>;
  /** Reads up to `length` bytes; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Writes all of `bytes` at `position`. Durable only after `datasync`. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  truncate(length: number): Promise<void>;
  /** `fdatasync`. After an error the file must not be used again: the page cache may have lied. */
  datasync(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** Opens for reading and writing; `create` makes the file when it is absent. */
  open(path: string, options: { readonly create: boolean }): Promise<DiskFile>;
  /** The whole content, or null when there is no such file. */
  read(path: string): Promise<Uint8Array | null>;
  /** Writes under a temporary name, syncs, renames, syncs the directory. `mode` as in chmod. */
  replace(path: string, bytes: Uint8Array, options: { readonly mode: number }): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Names in a directory, sorted; empty when it does not exist. */
  list(directory: string): Promise<readonly string[]>;
  makeDirectory(path: string, options: { readonly mode: number }): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes an exclusive lock on `path` for the life of the process; a dead holder's lock is free.
   * Returns null when a living process holds it, and then `holder` tells which.
   */
  lock(
    path: string,
  ): Promise<
    | { readonly kind: 'locked'; release(): Promise<void> }
    | { readonly kind: 'held'; readonly holder: string }
  >;
}
