import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './command.ts';
import type { LabBook } from './lab-book.ts';
import { LabError } from './lab-error.ts';
import { endProcess, startProcess } from './lab-process.ts';

/** Calls that wait for a disk: those that make what was written durable. */
const syncCalls = 'fsync,fdatasync,sync_file_range,syncfs';

const script = join(import.meta.dirname, 'machine', 'fill.sh');

function isMountPoint(directory: string): boolean {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[1] === directory);
}

/** Puts a small file system of its own at `directory`, so that it can be filled; once. */
export async function makeSmallDisk(directory: string, sizeMiB: number): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (isMountPoint(directory)) return;
  const options = `size=${sizeMiB}m,mode=700`;
  await mustRun(['mount', '-t', 'tmpfs', '-o', options, 'kennel-lab', directory]);
}

/**
 * Fills the file system at `directory` and keeps it full until `mendDisk`. Call it with the lab's
 * lock held.
 *
 * @param owner node or manager whose disk it is.
 * @throws LabError LAB_NO_DISK when it has none of its own: never that of the machine beneath.
 */
export async function fillDisk(book: LabBook, owner: string, directory: string): Promise<void> {
  if (!isMountPoint(directory)) {
    throw new LabError(
      'LAB_NO_DISK',
      `disk of ${owner}`,
      `${directory} is no file system of its own`,
      'make the lab with `kennel lab up --small-disks`',
    );
  }
  await endProcess(book, `fill-${owner}`);
  const namespace = book.layout.fabricNamespace;
  await startProcess(book, { name: `fill-${owner}`, argv: [script, directory], namespace });
}

/**
 * Lets every sync of a process take this much longer, as a disk does that is slow to write. It ends
 * with the process. Call it with the lab's lock held.
 *
 * @param pid as the machine beneath counts.
 */
export async function slowDisk(
  book: LabBook,
  owner: string,
  { pid, delayMs }: { readonly pid: number; readonly delayMs: number },
): Promise<void> {
  await endProcess(book, `slow-${owner}`);
  const inject = `inject=${syncCalls}:delay_exit=${Math.round(delayMs)}ms`;
  const quiet = ['-f', '-qqq', '-o', '/dev/null', '-e', 'signal=none'];
  const argv = ['strace', ...quiet, '-e', `trace=${syncCalls}`, '-e', inject, '-p', String(pid)];
  await startProcess(book, { name: `slow-${owner}`, argv, namespace: book.layout.fabricNamespace });
}

/** Ends both. Ok when there is neither. Call it with the lab's lock held. */
export async function mendDisk(book: LabBook, owner: string, directory: string): Promise<void> {
  await endProcess(book, `slow-${owner}`);
  await endProcess(book, `fill-${owner}`);
  rmSync(join(directory, 'filler'), { force: true });
}
