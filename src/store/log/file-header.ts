import { crc32 } from 'node:zlib';
import { StoreDamaged, damagedLog, unknownVersion, wrongOwner } from '../store-damaged.ts';
import { getInteger, setInteger, viewOf } from './payload.ts';

/** Whose files these are. A file of another owner is never read as one's own. */
export interface LogOwner {
  readonly clusterId: string;
  readonly nodeName: string;
}

export interface FileHeader extends LogOwner {
  readonly kind: 'segment' | 'snapshot';
  /** Segments count up by one; a snapshot has 0. */
  readonly sequence: number;
  /** Segment: the index that the next new entry had when it was made. Snapshot: its index. */
  readonly index: number;
  /** Segment: 0. Snapshot: the term of the entry at its index. */
  readonly term: number;
  /** Segment: crc of the last record of the one before, 0 in the first. Snapshot: 0. */
  readonly previousCrc: number;
}

const magics = { segment: 'KennelLG', snapshot: 'KennelSN' } as const;
const formatVersion = 1;
const fixedBytes = 48;

/** The bytes of a header, and its crc: the records behind it chain to that. */
export function encodeHeader(header: FileHeader): {
  readonly bytes: Uint8Array;
  readonly crc: number;
} {
  const encoder = new TextEncoder();
  const owner = encoder.encode(`${header.clusterId}\n${header.nodeName}`);
  const bytes = new Uint8Array(fixedBytes + owner.length + 4);
  const view = viewOf(bytes);
  bytes.set(encoder.encode(magics[header.kind]), 0);
  view.setUint32(8, formatVersion, true);
  view.setUint32(12, bytes.length, true);
  setInteger(view, 16, header.sequence);
  setInteger(view, 24, header.index);
  setInteger(view, 32, header.term);
  view.setUint32(40, header.previousCrc, true);
  bytes.set(owner, fixedBytes);
  const crc = crc32(bytes.subarray(0, bytes.length - 4));
  view.setUint32(bytes.length - 4, crc, true);
  return { bytes, crc };
}

export interface ReadHeader {
  readonly header: FileHeader;
  readonly crc: number;
  /** Offset of the first record. */
  readonly end: number;
}

/**
 * Reads the header of a file that must be of `kind` and belong to `owner`. A file gets its final
 * name only after its header was synced, so a short or bad header is damage, never a torn write.
 */
export function readHeader(
  bytes: Uint8Array,
  kind: FileHeader['kind'],
  owner: LogOwner,
  path: string,
): ReadHeader | StoreDamaged {
  if (bytes.length < fixedBytes + 4) return damagedLog(path, 'the file is shorter than its header');
  const view = viewOf(bytes);
  const length = view.getUint32(12, true);
  if (length < fixedBytes + 4 || length > bytes.length) {
    return damagedLog(path, 'the header has an impossible length');
  }
  const crc = view.getUint32(length - 4, true);
  if (crc32(bytes.subarray(0, length - 4)) !== crc) {
    return damagedLog(path, 'the checksum of the header is wrong');
  }
  const decoder = new TextDecoder();
  if (decoder.decode(bytes.subarray(0, 8)) !== magics[kind]) {
    return damagedLog(path, `it is no ${kind} of this store`);
  }
  const version = view.getUint32(8, true);
  if (version !== formatVersion) {
    return unknownVersion(path, `format ${version}, this version reads ${formatVersion}`);
  }
  const [clusterId = '', nodeName = ''] = decoder
    .decode(bytes.subarray(fixedBytes, length - 4))
    .split('\n');
  if (clusterId !== owner.clusterId || nodeName !== owner.nodeName) {
    return wrongOwner(path, `it is of node ${nodeName} in cluster ${clusterId}`);
  }
  const header: FileHeader = {
    kind,
    clusterId,
    nodeName,
    sequence: getInteger(view, 16),
    index: getInteger(view, 24),
    term: getInteger(view, 32),
    previousCrc: view.getUint32(40, true),
  };
  return { header, crc, end: length };
}
