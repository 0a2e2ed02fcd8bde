import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatMemory, parseMemorySize } from './memory-size.ts';

test('every size up to 64TiB is read back from its written form', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 * 1024 * 1024 }), (mib) => {
      expect(parseMemorySize(formatMemory(mib))).toEqual({ kind: 'ok', mib });
    }),
  );
});

test('a number without a unit, or with any other unit, is refused and told what to write', () => {
  const otherUnit = fc
    .stringMatching(/^[a-zA-Z]{0,4}$/)
    .filter((unit) => !['MiB', 'GiB', 'TiB'].includes(unit));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), otherUnit, (amount, unit) => {
      const parsed = parseMemorySize(`${amount}${unit}`);
      expect(parsed.kind).toBe('invalid');
      expect(parsed.kind === 'invalid' && parsed.because).toMatch(/MiB|GiB|TiB/);
    }),
  );
});
