import type { Disk } from '../../env/disk.ts';
import { StoreDamaged } from '../store-damaged.ts';
import { encodeHeader, readHeader, type LogOwner } from './file-header.ts';
import { syncDirectory, syncFile } from './log-error.ts';
import { setInteger, type SnapshotMark } from './payload.ts';
import { encodeBatch, parseRecord, recordType } from './record.ts';

const namePattern = /^snapshot-(\d{16})\.snap$/;

/** Zero-padded, so that names sort as numbers do. */
export function snapshotName(index: number): string {
  return `snapshot-${String(index).padStart(16, '0')}.snap`;
}

/** The index in a snapshot's file name; null for any other file. */
export function snapshotIndexOf(name: string): number | null {
  const digits = namePattern.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

export interface SnapshotContent {
  readonly index: number;
  readonly term: number;
  /** Taken one at a time, each after the one before was written. */
  readonly chunks: Iterable<Uint8Array>;
}

/**
 * Writes a snapshot under a temporary name, syncs it, renames it, syncs the directory. It counts
 * only once its mark is in the log. Throws what the disk throws, and then leaves no file behind
 * if it can.
 */
export async function writeSnapshot(
  disk: Disk,
  directory: string,
  owner: LogOwner,
  content: SnapshotContent,
): Promise<SnapshotMark> {
  const path = `${directory}/${snapshotName(content.index)}`;
  const temporary = `${path}.tmp`;
  try {
    const crc = await writeRecords(disk, temporary, owner, content);
    await disk.rename(temporary, path);
    await syncDirectory(disk, directory);
    return { index: content.index, term: content.term, crc };
  } catch (error) {
    await disk.remove(temporary).catch(() => undefined);
    throw error;
  }
}

async function writeRecords(
  disk: Disk,
  path: string,
  owner: LogOwner,
  content: SnapshotContent,
): Promise<number> {
  const file = await disk.open(path, { create: true });
  try {
    await file.truncate(0);
    const { index, term } = content;
    const header = { kind: 'snapshot' as const, sequence: 0, index, term, previousCrc: 0 };
    let { bytes, crc } = encodeHeader({ ...header, ...owner });
    await file.write(0, bytes);
    let at = bytes.length;
    let count = 0;
    for (const payload of content.chunks) {
      ({ bytes, crc } = encodeBatch([{ type: recordType.chunk, payload }], at, crc));
      await file.write(at, bytes);
      at += bytes.length;
      count += 1;
    }
    ({ bytes, crc } = encodeBatch([{ type: recordType.end, payload: countBytes(count) }], at, crc));
    await file.write(at, bytes);
    await syncFile(file);
    return crc;
  } finally {
    await file.close();
  }
}

/** The chunks of a marked snapshot, or why they cannot be used. */
export async function readSnapshot(
  disk: Disk,
  directory: string,
  owner: LogOwner,
  mark: SnapshotMark,
): Promise<
  | { readonly kind: 'read'; readonly chunks: readonly Uint8Array[] }
  | { readonly kind: 'unusable'; readonly because: string }
> {
  const path = `${directory}/${snapshotName(mark.index)}`;
  const unusable = (because: string) =>
    ({ kind: 'unusable', because: `${path}: ${because}` }) as const;
  const bytes = await disk.read(path);
  if (bytes === null) return unusable('the file is missing');
  const read = readHeader(bytes, 'snapshot', owner, path);
  if (read instanceof StoreDamaged) return unusable(read.because);
  if (read.header.index !== mark.index || read.header.term !== mark.term) {
    return unusable('it is not the snapshot that the log marks');
  }
  const chunks: Uint8Array[] = [];
  let { crc, end: at } = read;
  for (;;) {
    const record = parseRecord(bytes, at);
    if (record === null || record.previousCrc !== crc) return unusable(`damaged at byte ${at}`);
    ({ crc, end: at } = record);
    if (record.type === recordType.end) break;
    chunks.push(record.payload);
  }
  if (crc !== mark.crc || at !== bytes.length) return unusable('it does not end as the log says');
  return { kind: 'read', chunks };
}

function countBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(8);
  setInteger(new DataView(bytes.buffer), 0, count);
  return bytes;
}
