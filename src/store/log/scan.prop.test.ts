import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBatch, parseRecord, type RawRecord } from './record.ts';
import { scanSegment } from './scan.ts';

const record: fc.Arbitrary<RawRecord> = fc.record({
  type: fc.constantFrom(1, 2, 3, 4),
  payload: fc.uint8Array({ maxLength: 40 }),
});
const batches = fc.array(fc.array(record, { minLength: 1, maxLength: 3 }), { maxLength: 6 });

const header = 20;
const firstCrc = 0x1234;

/** A file of a fake header and the batches; where each record and each batch ends. */
function fileOf(groups: readonly (readonly RawRecord[])[]) {
  const parts: Uint8Array[] = [new Uint8Array(header)];
  const ends: number[] = [];
  const starts: number[] = [];
  let at = header;
  let crc = firstCrc;
  for (const group of groups) {
    starts.push(at);
    const batch = encodeBatch(group, at, crc);
    parts.push(batch.bytes);
    crc = batch.crc;
    for (const { payload } of group) ends.push((at += 17 + payload.length));
  }
  return { bytes: new Uint8Array(Buffer.concat(parts)), ends, starts, crc };
}

const scan = (bytes: Uint8Array, isLast: boolean) =>
  scanSegment(bytes, { start: header, crc: firstCrc, isLast });

describe('scanSegment', () => {
  test('reads back what was written, and where it goes on', () => {
    fc.assert(
      fc.property(batches, fc.boolean(), (groups, isLast) => {
        const { bytes, crc, starts } = fileOf(groups);
        expect(scan(bytes, isLast)).toEqual({
          kind: 'intact',
          records: groups.flat(),
          crc,
          end: bytes.length,
          lastBatch: starts.at(-1) ?? bytes.length,
        });
      }),
    );
  });

  test('a cut file gives the whole records before the cut, or is refused when not the last', () => {
    fc.assert(
      fc.property(batches, fc.nat(), (groups, anywhere) => {
        const { bytes, ends } = fileOf(groups);
        const length = header + (anywhere % (bytes.length - header + 1));
        const kept = ends.filter((end) => end <= length);
        const last = scan(bytes.slice(0, length), true);
        if (last.kind === 'damaged') throw new Error(last.because);
        expect(last.records).toEqual(groups.flat().slice(0, kept.length));
        expect(last.end).toBe(kept.at(-1) ?? header);
        const other = scan(bytes.slice(0, length), false);
        expect(other.kind).toBe(last.end === length ? 'intact' : 'damaged');
      }),
    );
  });

  test('a changed byte is a torn write only in the last batch, and nowhere an invented record', () => {
    fc.assert(
      fc.property(batches, fc.nat(), fc.integer({ min: 1, max: 255 }), (groups, anywhere, mask) => {
        const { bytes, starts } = fileOf(groups);
        if (bytes.length === header) return;
        const at = header + (anywhere % (bytes.length - header));
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        expect(scan(bytes, false).kind).toBe('damaged');
        const last = scan(bytes, true);
        const isInLastBatch = at >= (starts.at(-1) ?? 0);
        expect(last.kind).toBe(isInLastBatch ? 'torn' : 'damaged');
        const records = last.kind === 'damaged' ? [] : last.records;
        expect(groups.flat().slice(0, records.length)).toEqual(records);
      }),
    );
  });

  test('zeros behind the last record are a torn write', () => {
    const { bytes, ends } = fileOf([[{ type: 1, payload: new Uint8Array(5) }]]);
    const padded = new Uint8Array(bytes.length + 100);
    padded.set(bytes);
    expect(scan(padded, true)).toMatchObject({ kind: 'torn', end: ends[0] });
  });
});

test('parseRecord reads no record from any other bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      expect(parseRecord(bytes, 0)).toBeNull();
    }),
  );
});
