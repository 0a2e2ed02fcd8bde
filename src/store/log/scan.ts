import { parseRecord, type RawRecord } from './record.ts';

interface GoodPart {
  readonly records: readonly RawRecord[];
  readonly crc: number;
  readonly end: number;
  /** Where the last batch of the good part begins; `end` when there is none. */
  readonly lastBatch: number;
}

type SegmentScan =
  | (GoodPart & { readonly kind: 'intact' })
  /** The last write never finished: everything from `end` on is to be cut. */
  | (GoodPart & { readonly kind: 'torn' })
  | { readonly kind: 'damaged'; readonly offset: number; readonly because: string };

/**
 * Reads the records of one segment from `start`, chained to `crc`. A bad record is a torn write
 * only in the last segment and only when nothing behind it proves that it was durable once; parts
 * of one unsynced write may reach the disk in any order, so an intact record of the *same* batch
 * proves nothing. (store.md §6, rule 3.)
 */
export function scanSegment(
  bytes: Uint8Array,
  options: { readonly start: number; readonly crc: number; readonly isLast: boolean },
): SegmentScan {
  const records: RawRecord[] = [];
  let at = options.start;
  let crc = options.crc;
  let batchStart: number | null = null;
  while (at < bytes.length) {
    const record = parseRecord(bytes, at);
    const follows =
      record !== null &&
      record.previousCrc === crc &&
      (record.batchStart === at || record.batchStart === batchStart);
    if (record === null || !follows) {
      const because = record === null ? 'a record is damaged' : 'a record is missing before it';
      if (!options.isLast) return { kind: 'damaged', offset: at, because };
      const later = laterBatch(bytes, at);
      const lastBatch = batchStart ?? at;
      if (later === null) return { kind: 'torn', records, crc, end: at, lastBatch };
      return {
        kind: 'damaged',
        offset: at,
        because: `${because}, and the record at byte ${later} was written after it was durable`,
      };
    }
    records.push({ type: record.type, payload: record.payload });
    crc = record.crc;
    batchStart = record.batchStart;
    at = record.end;
  }
  return { kind: 'intact', records, crc, end: at, lastBatch: batchStart ?? at };
}

/** Offset of an intact record whose batch began behind `bad`, or at it unchained; null when none. */
function laterBatch(bytes: Uint8Array, bad: number): number | null {
  for (let at = bad; at < bytes.length; at += 1) {
    const record = parseRecord(bytes, at);
    if (record === null) continue;
    if (record.batchStart > bad || (at === bad && record.batchStart === bad)) return at;
  }
  return null;
}
