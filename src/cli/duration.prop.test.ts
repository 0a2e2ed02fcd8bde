import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAge, formatDuration, parseDuration } from './duration.ts';
import type { DurationResult } from './duration.ts';

const anyMs = fc.integer({ min: 0, max: 365 * 86_400_000 });

test('every whole number of ms up to a year is read back from its written form', () => {
  fc.assert(
    fc.property(anyMs, (ms) => {
      expect(parseDuration(formatDuration(ms))).toEqual({ kind: 'ok', ms });
    }),
  );
});

test('a bare number is never a duration, and the answer names units', () => {
  fc.assert(
    fc.property(fc.nat(), (value) => {
      const parsed = parseDuration(String(value));
      expect(parsed).toEqual({
        kind: 'invalid',
        because: `${value} has no unit; write ${value}s, ${value}m or ${value}h`,
      });
    }),
  );
});

test('no text makes the reader throw, and what it accepts is a whole number of ms', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.]{1,4}[a-zA-Z]{0,3}$/)), (text) => {
      const parsed = parseDuration(text);
      expect(parsed).toSatisfy((result: DurationResult) =>
        result.kind === 'ok' ? Number.isSafeInteger(result.ms) : result.because !== '',
      );
    }),
  );
});

test('an age has no blank in it, and at most seven characters up to 99 days', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99 * 86_400_000 }), (ms) => {
      expect(formatAge(ms)).toMatch(/^\S{2,7}$/);
    }),
  );
});
