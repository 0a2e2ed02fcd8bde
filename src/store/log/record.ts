import { crc32 } from 'node:zlib';

/*
 * One record: length u32 · crc u32 · previous crc u32 · batch start u32 · type u8 · payload,
 * little-endian. The crc covers everything but itself. The previous crc chains the records, so none
 * can be missing; it is stored as well, so that a record can be recognised behind a bad one.
 * `batchStart` is the offset in the file of the first record written by the same write: a batch is
 * written only after the one before it was synced, so a record of a later batch proves that
 * everything before its batch was durable once.
 */

/** `chunk` and `end` stand in snapshots, the others in segments. `closed` is a clean end. */
export const recordType = { entry: 1, hardState: 2, mark: 3, closed: 4, chunk: 5, end: 6 } as const;
const knownTypes = new Set<number>(Object.values(recordType));

const headerBytes = 17;
/** Far above any real record; a larger length is damage, not data. */
const maxPayloadBytes = 1 << 28;

export interface RawRecord {
  readonly type: number;
  readonly payload: Uint8Array;
}

interface ParsedRecord extends RawRecord {
  readonly crc: number;
  readonly previousCrc: number;
  readonly batchStart: number;
  /** Offset of the byte after the record. */
  readonly end: number;
}

/** How many bytes `encodeBatch` will make of them. */
export function encodedLength(records: readonly RawRecord[]): number {
  return records.reduce((sum, record) => sum + headerBytes + record.payload.length, 0);
}

/** The bytes of one batch that starts at `batchStart`, and the crc that the next record chains to. */
export function encodeBatch(
  records: readonly RawRecord[],
  batchStart: number,
  previousCrc: number,
): { readonly bytes: Uint8Array; readonly crc: number } {
  const bytes = new Uint8Array(encodedLength(records));
  const view = new DataView(bytes.buffer);
  let at = 0;
  let chain = previousCrc;
  for (const record of records) {
    const end = at + headerBytes + record.payload.length;
    view.setUint32(at, record.payload.length, true);
    view.setUint32(at + 8, chain, true);
    view.setUint32(at + 12, batchStart, true);
    view.setUint8(at + 16, record.type);
    bytes.set(record.payload, at + headerBytes);
    chain = recordCrc(bytes, at, end);
    view.setUint32(at + 4, chain, true);
    at = end;
  }
  return { bytes, crc: chain };
}

/** The record at `at`, or null when the bytes there are no intact record. Ignores the chain. */
export function parseRecord(bytes: Uint8Array, at: number): ParsedRecord | null {
  if (at + headerBytes > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, headerBytes);
  const length = view.getUint32(0, true);
  const type = view.getUint8(16);
  const batchStart = view.getUint32(12, true);
  const end = at + headerBytes + length;
  if (!knownTypes.has(type) || length > maxPayloadBytes) return null;
  if (end > bytes.length) return null;
  const crc = view.getUint32(4, true);
  if (recordCrc(bytes, at, end) !== crc) return null;
  return {
    type,
    payload: bytes.subarray(at + headerBytes, end),
    crc,
    previousCrc: view.getUint32(8, true),
    batchStart,
    end,
  };
}

function recordCrc(bytes: Uint8Array, start: number, end: number): number {
  return crc32(bytes.subarray(start + 8, end), crc32(bytes.subarray(start, start + 4)));
}
