import { DiskError, type Disk, type DiskFile } from '../../env/disk.ts';

/** The disk is full. What was waiting to be written is not in the log; the log can go on. */
export class LogFull extends Error {
  constructor(path: string) {
    super(`no space left for ${path}`);
    this.name = 'LogFull';
  }
}

/** The log is dead: what was waiting may or may not be in it, and nothing more is written. */
export class LogFailed extends Error {
  constructor(cause: unknown) {
    super(`the log failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'LogFailed';
  }
}

/** A sync failed. Its own class, because not even ENOSPC is harmless there: the pages may be gone. */
export class SyncFailed extends Error {
  constructor(cause: unknown) {
    super(`sync failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'SyncFailed';
  }
}

/** True when the write did not fit, and nothing but its own bytes was touched. */
export function isFull(error: unknown): boolean {
  return error instanceof DiskError && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

/** `fdatasync`; throws `SyncFailed`. */
export async function syncFile(file: DiskFile): Promise<void> {
  try {
    await file.datasync();
  } catch (error) {
    throw new SyncFailed(error);
  }
}

/** Makes names durable; throws `SyncFailed`. */
export async function syncDirectory(disk: Disk, directory: string): Promise<void> {
  try {
    await disk.syncDirectory(directory);
  } catch (error) {
    throw new SyncFailed(error);
  }
}
