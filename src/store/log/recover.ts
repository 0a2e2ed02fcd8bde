import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import { StoreDamaged, damagedLog, damagedSnapshot } from '../store-damaged.ts';
import { readHeader, type LogOwner, type ReadHeader } from './file-header.ts';
import { syncDirectory, syncFile } from './log-error.ts';
import { decodeEntry, decodeHardState, decodeMark } from './payload.ts';
import { recordType, type RawRecord } from './record.ts';
import { scanSegment } from './scan.ts';
import {
  createSegment,
  segmentName,
  segmentSequenceOf,
  type OpenSegment,
  type SegmentInfo,
} from './segment-file.ts';
import { readSnapshot, snapshotIndexOf } from './snapshot-file.ts';
import { LogTail } from './tail.ts';

export interface LogPlace {
  readonly disk: Disk;
  readonly log: Log;
  readonly directory: string;
  readonly owner: LogOwner;
}

export interface LoadedSnapshot {
  readonly index: number;
  readonly term: number;
  readonly chunks: readonly Uint8Array[];
}

export interface RecoveredLog {
  readonly tail: LogTail;
  /** Oldest first; the last one is `current`. */
  readonly segments: readonly SegmentInfo[];
  readonly current: OpenSegment;
  readonly snapshot: LoadedSnapshot | null;
}

/**
 * Brings the log in a directory back, or makes a new one. Cuts a torn last write and says so;
 * throws `StoreDamaged` for any other damage. What it returns is durable: whatever was read from
 * memory of a killed predecessor has been synced.
 */
export async function recoverLog(place: LogPlace): Promise<RecoveredLog> {
  const { disk, directory } = place;
  const names = await disk.list(directory);
  for (const name of names) {
    if (isLeftover(name)) await disk.remove(`${directory}/${name}`);
  }
  const sequences = names.map(segmentSequenceOf).filter((sequence) => sequence !== null);
  if (sequences.length === 0) return startLog(place, names);
  const { tail, segments, last } = await replay(place, sequences);
  const path = `${directory}/${segmentName(last.sequence)}`;
  const file = await disk.open(path, { create: false });
  if (last.cutBytes > 0) {
    place.log.warn(
      { segment: path, offset: last.offset, bytes: last.cutBytes },
      'cut the end of the log: the last write before the crash was never finished',
    );
    await file.truncate(last.offset);
  }
  // A predecessor may have died of a failed sync: then the kernel takes its last write for clean
  // though it is on no platter. Only writing it again makes the next sync mean something.
  await file.write(last.lastBatch.at, last.lastBatch.bytes);
  await syncFile(file);
  await syncDirectory(disk, directory);
  const snapshot = await chooseSnapshot(place, tail);
  checkComplete(place, tail, snapshot);
  const { sequence, index, offset, crc } = last;
  return { tail, segments, current: { sequence, index, file, offset, crc }, snapshot };
}

function isLeftover(name: string): boolean {
  if (!name.endsWith('.tmp')) return false;
  const final = name.slice(0, -'.tmp'.length);
  return segmentSequenceOf(final) !== null || snapshotIndexOf(final) !== null;
}

async function startLog(place: LogPlace, names: readonly string[]): Promise<RecoveredLog> {
  const { disk, directory, owner } = place;
  const snapshot = names.find((name) => snapshotIndexOf(name) !== null);
  if (snapshot !== undefined) {
    throw damagedLog(directory, `there is the snapshot ${snapshot}, but no segment of the log`);
  }
  const current = await createSegment(disk, directory, owner, {
    sequence: 1,
    index: 1,
    previousCrc: 0,
    carried: [],
  });
  const { sequence, index } = current;
  return {
    tail: new LogTail(0),
    segments: [{ sequence, index, bytes: current.offset }],
    current,
    snapshot: null,
  };
}

interface Replayed {
  readonly tail: LogTail;
  readonly segments: readonly SegmentInfo[];
  readonly last: Omit<OpenSegment, 'file'> & {
    readonly cutBytes: number;
    readonly lastBatch: { readonly at: number; readonly bytes: Uint8Array };
  };
}

async function replay(place: LogPlace, sequences: readonly number[]): Promise<Replayed> {
  const segments: SegmentInfo[] = [];
  let tail: LogTail | null = null;
  let last: Replayed['last'] | null = null;
  for (const sequence of sequences) {
    const path = `${place.directory}/${segmentName(sequence)}`;
    if (last !== null && sequence !== last.sequence + 1) {
      throw damagedLog(path, `segment ${last.sequence + 1}, which comes before it, is missing`);
    }
    const bytes = await place.disk.read(path);
    if (bytes === null) throw damagedLog(path, 'the segment is missing');
    const read = readHeader(bytes, 'segment', place.owner, path);
    if (read instanceof StoreDamaged) throw read;
    tail ??= new LogTail(read.header.index - 1);
    checkChain(path, read, sequence, last, tail);
    const isLast = sequence === sequences.at(-1);
    const scan = scanSegment(bytes, { start: read.end, crc: read.crc, isLast });
    if (scan.kind === 'damaged') throw damagedLog(`${path}, byte ${scan.offset}`, scan.because);
    for (const record of scan.records) replayRecord(path, tail, record);
    const { index } = read.header;
    segments.push({ sequence, index, bytes: scan.end });
    const cutBytes = bytes.length - scan.end;
    const lastBatch = { at: scan.lastBatch, bytes: bytes.subarray(scan.lastBatch, scan.end) };
    last = { sequence, index, offset: scan.end, crc: scan.crc, cutBytes, lastBatch };
  }
  if (tail === null || last === null) throw new Error('a log without segments was replayed');
  return { tail, segments, last };
}

function checkChain(
  path: string,
  read: ReadHeader,
  sequence: number,
  before: Replayed['last'] | null,
  tail: LogTail,
): void {
  const { header } = read;
  if (header.sequence !== sequence) {
    throw damagedLog(path, `the file is segment ${header.sequence} under a wrong name`);
  }
  if (before === null) return;
  if (header.previousCrc !== before.crc || header.index !== tail.lastIndex + 1) {
    throw damagedLog(path, `segment ${before.sequence} does not end where this one begins`);
  }
}

function replayRecord(path: string, tail: LogTail, record: RawRecord): void {
  const bad = (what: string): StoreDamaged => damagedLog(path, `${what} in an intact record`);
  switch (record.type) {
    case recordType.entry: {
      const entry = decodeEntry(record.payload);
      if (entry === null || entry.index < 1) throw bad('no entry');
      if (entry.index > tail.lastIndex + 1) throw bad(`entry ${entry.index} leaves a gap`);
      tail.append(entry);
      return;
    }
    case recordType.hardState: {
      const state = decodeHardState(record.payload);
      if (state === null) throw bad('no hard state');
      tail.setHardState(state);
      return;
    }
    case recordType.mark: {
      const mark = decodeMark(record.payload);
      if (mark === null) throw bad('no snapshot mark');
      tail.mark(mark);
      return;
    }
    case recordType.closed:
      return;
    default:
      throw bad(`unexpected type ${record.type}`);
  }
}

/** The newest snapshot that is readable. The older one is kept for the day the newest is not. */
async function chooseSnapshot(place: LogPlace, tail: LogTail): Promise<LoadedSnapshot | null> {
  const reasons: string[] = [];
  for (const mark of [...tail.marks].reverse()) {
    const read = await readSnapshot(place.disk, place.directory, place.owner, mark);
    if (read.kind === 'read') return { index: mark.index, term: mark.term, chunks: read.chunks };
    place.log.error({ err: read.because }, 'a snapshot is damaged; trying the one before it');
    reasons.push(read.because);
    tail.dropMark(mark);
  }
  if (reasons.length > 0 && tail.firstIndex > 1) {
    throw damagedSnapshot(place.directory, reasons.join('; '));
  }
  return null;
}

function checkComplete(place: LogPlace, tail: LogTail, snapshot: LoadedSnapshot | null): void {
  const covered = snapshot?.index ?? 0;
  if (tail.firstIndex > covered + 1) {
    const missing = `entries ${covered + 1} to ${tail.firstIndex - 1} are gone`;
    throw damagedLog(place.directory, `${missing}, and no usable snapshot holds them`);
  }
  const commit = tail.hardState?.commit ?? 0;
  if (commit > tail.lastIndex) {
    throw damagedLog(
      place.directory,
      `entry ${commit} was committed, but the log ends at ${tail.lastIndex}`,
    );
  }
}
