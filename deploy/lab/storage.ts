import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { DiskSource } from '../../src/core/model/vm.ts';
import { assembleGuest, writeGuestDisk } from './guest.ts';
import type { LabBook } from './lab-book.ts';
import { LabError } from './lab-error.ts';
import { findProcess, killProcess, processState, readLog, startProcess } from './lab-process.ts';
import type { LabLayout } from './layout.ts';
import { nbdPort } from './layout.ts';
import { runQmp } from './qmp.ts';
import type { QmpCommand } from './qmp.ts';
import { waitUntil } from './wait-until.ts';

const processName = 'storage';

/** One exported disk. */
export interface LabDisk {
  readonly name: string;
  /** The image behind the export, for whoever watches it from the storage's side. */
  readonly file: string;
  readonly source: Extract<DiskSource, { kind: 'nbd' }>;
}

export function labDisk(layout: LabLayout, name: string): LabDisk {
  return {
    name,
    file: join(layout.directory, 'storage', `${name}.raw`),
    source: { kind: 'nbd', host: layout.storageAddress, port: nbdPort, export: name },
  };
}

/** The libvirt element `<source>` of a lab disk. */
export function labDiskXmlSource(disk: LabDisk): string {
  const { host, port } = disk.source;
  return `<source protocol='nbd' name='${disk.source.export}'><host name='${host}' port='${port}'/></source>`;
}

function socketPath(layout: LabLayout): string {
  return join(layout.directory, 'storage', 'qmp.sock');
}

/**
 * The storage plays a server that never loses power, so the page cache is as good as the medium:
 * guests' flushes cost nothing, and the witness reads what was written without waiting for it.
 */
function blockdev(disk: LabDisk): Record<string, unknown> {
  return {
    driver: 'file',
    'node-name': disk.name,
    filename: disk.file,
    cache: { direct: false, 'no-flush': true },
  };
}

/** Writable for any number of clients at once: refusing a second writer is Kennel's duty. */
function nbdExport(disk: LabDisk): Record<string, unknown> {
  return { type: 'nbd', id: disk.name, 'node-name': disk.name, name: disk.name, writable: true };
}

function serverArguments(layout: LabLayout): readonly string[] {
  const listen = { type: 'inet', host: layout.storageAddress, port: String(nbdPort) };
  return [
    'qemu-storage-daemon',
    '--nbd-server',
    JSON.stringify({ addr: listen, 'max-connections': 0 }),
    '--chardev',
    `socket,id=qmp,path=${socketPath(layout)},server=on,wait=off`,
    '--monitor',
    'chardev=qmp',
  ];
}

async function exportedDisks(layout: LabLayout): Promise<ReadonlySet<string>> {
  const [answer] = await runQmp(socketPath(layout), [{ execute: 'query-block-exports' }]);
  const exports = z.array(z.object({ id: z.string() })).parse(answer);
  return new Set(exports.map(({ id }) => id));
}

/**
 * Makes the images that are missing, runs the storage server in the fabric and exports them all.
 *
 * @returns what it had to do, in words; empty when all was well.
 * @throws LabError LAB_STORAGE when the server does not come up.
 */
export async function ensureStorage(
  book: LabBook,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const { layout } = book;
  const done: string[] = [];
  const disks = book.record().disks.map((name) => labDisk(layout, name));
  const directory = join(layout.directory, 'storage');
  mkdirSync(directory, { recursive: true });
  const missing = disks.filter((disk) => !existsSync(disk.file));
  if (missing.length > 0) {
    const sector = await assembleGuest(directory);
    for (const disk of missing) writeGuestDisk(disk.file, sector);
    done.push(`made ${missing.length} disks`);
  }
  const running = findProcess(book, processName);
  if (running === null || processState(running) === 'dead') {
    await startServer(book, signal);
    done.push(`serves disks at ${layout.storageAddress}:${nbdPort}`);
  }
  const exported = await exportedDisks(layout);
  const add = disks.filter((disk) => !exported.has(disk.name));
  const commands = add.flatMap((disk): readonly QmpCommand[] => [
    { execute: 'blockdev-add', arguments: blockdev(disk) },
    { execute: 'block-export-add', arguments: nbdExport(disk) },
  ]);
  if (commands.length > 0) await runQmp(socketPath(layout), commands);
  return done;
}

async function startServer(book: LabBook, signal: AbortSignal | undefined): Promise<void> {
  const { layout } = book;
  const left = findProcess(book, processName);
  if (left !== null) await killProcess(left);
  rmSync(socketPath(layout), { force: true });
  const server = await startProcess(book, {
    name: processName,
    argv: serverArguments(layout),
    namespace: layout.fabricNamespace,
  });
  await waitUntil(
    'the storage server answers',
    () => {
      if (processState(server) !== 'dead') return exportedDisks(layout).catch(() => null);
      throw new LabError(
        'LAB_STORAGE',
        'the storage server ended',
        readLog(server.log).trim(),
        `run \`kennel lab up\` again; its log is ${server.log}`,
      );
    },
    { timeoutMs: 10_000, signal },
  );
}
