import { expect, test } from 'vitest';
import { parseMemorySize } from './memory-size.ts';

test.each([
  ['512MiB', 512],
  ['4GiB', 4096],
  ['1.5GiB', 1536],
  ['2 TiB', 2 * 1024 * 1024],
])('%s is %d MiB', (text, mib) => {
  expect(parseMemorySize(text)).toEqual({ kind: 'ok', mib });
});

test.each([
  ['512', '512 has no unit; write 512MiB or 512GiB'],
  ['512MB', '"MB" is not a unit here; write 512MiB'],
  ['512m', '"m" is not a unit here; write 512MiB'],
  ['4G', '"G" is not a unit here; write 4GiB'],
  ['4gib', '"gib" is not a unit here; write 4GiB'],
  ['100KiB', '"KiB" is not a unit here; use MiB, GiB or TiB'],
  ['0.1MiB', 'not a whole number of MiB'],
  ['0MiB', 'at least 1MiB'],
  ['65TiB', 'more than 64TiB'],
  ['much', 'no amount of memory'],
])('"%s" is refused: %s', (text, because) => {
  const parsed = parseMemorySize(text);
  expect(parsed.kind === 'invalid' && parsed.because).toContain(because);
});
