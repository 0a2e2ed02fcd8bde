import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isoToMs, timeOfDay } from './iso-time.ts';

test('an ISO time is the same number of ms as the calendar of JavaScript says', () => {
  const dates = fc.date({
    min: new Date('1970-01-01T00:00:00Z'),
    max: new Date('2399-12-31T00:00:00Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(dates, (date) => {
      expect(isoToMs(date.toISOString())).toBe(date.getTime());
    }),
  );
});

test('seconds without a fraction, and finer fractions, are read too', () => {
  expect(isoToMs('1970-01-01T00:00:01Z')).toBe(1000);
  expect(isoToMs('1970-01-01T00:00:01.2504Z')).toBe(1250);
});

test('what is no ISO time in UTC is null, and shown as it is', () => {
  expect(isoToMs('yesterday')).toBeNull();
  expect(isoToMs('2026-11-22T09:40:54+01:00')).toBeNull();
  expect(timeOfDay('yesterday')).toBe('yesterday');
  expect(timeOfDay('2026-11-22T09:40:54Z')).toBe('09:40:54.000');
});
