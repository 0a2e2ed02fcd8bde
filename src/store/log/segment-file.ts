import type { Disk, DiskFile } from '../../env/disk.ts';
import { encodeHeader, type LogOwner } from './file-header.ts';
import { syncDirectory, syncFile } from './log-error.ts';
import { encodeBatch, type RawRecord } from './record.ts';

const namePattern = /^log-(\d{16})\.seg$/;

/** Zero-padded, so that names sort as numbers do. */
export function segmentName(sequence: number): string {
  return `log-${String(sequence).padStart(16, '0')}.seg`;
}

/** The sequence number in a segment's file name; null for any other file. */
export function segmentSequenceOf(name: string): number | null {
  const digits = namePattern.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

export interface SegmentInfo {
  readonly sequence: number;
  /** Every entry in older segments has a lower index. */
  readonly index: number;
  /** Its length; of the one that is written to, when it was opened. */
  readonly bytes: number;
}

/** The segment that is written to, and where and how the next batch continues it. */
export interface OpenSegment extends Omit<SegmentInfo, 'bytes'> {
  readonly file: DiskFile;
  readonly offset: number;
  readonly crc: number;
}

/**
 * Makes a segment that begins with `carried`, what older segments say that must outlive them. It
 * gets its name only when it is complete and synced. Throws what the disk throws.
 */
export async function createSegment(
  disk: Disk,
  directory: string,
  owner: LogOwner,
  segment: Omit<SegmentInfo, 'bytes'> & {
    readonly previousCrc: number;
    readonly carried: readonly RawRecord[];
  },
): Promise<OpenSegment> {
  const { sequence, index, previousCrc } = segment;
  const path = `${directory}/${segmentName(sequence)}`;
  const temporary = `${path}.tmp`;
  const header = encodeHeader({
    kind: 'segment',
    ...owner,
    sequence,
    index,
    term: 0,
    previousCrc,
  });
  const batch = encodeBatch(segment.carried, header.bytes.length, header.crc);
  const file = await disk.open(temporary, { create: true });
  try {
    await file.truncate(0);
    await file.write(0, header.bytes);
    await file.write(header.bytes.length, batch.bytes);
    await syncFile(file);
    await disk.rename(temporary, path);
    await syncDirectory(disk, directory);
  } catch (error) {
    await file.close().catch(() => undefined);
    await disk.remove(temporary).catch(() => undefined);
    throw error;
  }
  const offset = header.bytes.length + batch.bytes.length;
  return { sequence, index, file, offset, crc: batch.crc };
}
