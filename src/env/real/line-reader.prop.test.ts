import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineReader } from './line-reader.ts';

function readAll(reader: LineReader, bytes: Uint8Array, cuts: readonly number[]): string[] | null {
  const lines: string[] = [];
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    const read = reader.push(bytes.subarray(start, end));
    if (read.kind === 'tooLong') return null;
    lines.push(...read.lines);
    start = end;
  }
  return lines;
}

const line = fc
  .string({ unit: 'grapheme', maxLength: 60 })
  .map((text) => text.replaceAll('\n', ''));
const cuts = fc.array(fc.nat(10_000), { maxLength: 20 });

test('lines come out as they went in, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), cuts, (lines, at) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
      expect(readAll(new LineReader(10_000), bytes, at)).toEqual(lines);
    }),
  );
});

test('a line above the bound is refused, one of just its length is not', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 200 }), cuts, (max, at) => {
      const fitting = Buffer.from(`${'x'.repeat(max)}\n`);
      expect(readAll(new LineReader(max), fitting, at)).toEqual(['x'.repeat(max)]);
      const tooLong = Buffer.from(`ok\n${'x'.repeat(max + 1)}`);
      expect(readAll(new LineReader(max), tooLong, at)).toBeNull();
    }),
  );
});
