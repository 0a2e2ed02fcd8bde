import { expect, test } from 'vitest';
import { formatAge, formatDuration, parseDuration } from './duration.ts';

test.each([
  ['250ms', 250],
  ['30s', 30_000],
  ['1.5s', 1500],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['7d', 604_800_000],
  [' 2s ', 2000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toEqual({ kind: 'ok', ms });
});

test.each([
  ['60', '60 has no unit'],
  ['', 'is no duration'],
  ['fast', 'is no duration'],
  ['-5s', 'is no duration'],
  ['5 s', 'is no duration'],
  ['5sec', '"sec" is no unit of time here'],
  ['5M', '"M" is no unit of time here'],
  ['30m1h', 'units out of order'],
  ['1s1s', 'units out of order'],
  ['0.1ms', 'finer than one millisecond'],
  ['366d', 'longer than 365d'],
])('"%s" is refused: %s', (text, because) => {
  const parsed = parseDuration(text);
  expect(parsed.kind).toBe('invalid');
  expect(parsed.kind === 'invalid' && parsed.because).toContain(because);
});

test('a duration is written in its largest units', () => {
  expect(formatDuration(0)).toBe('0s');
  expect(formatDuration(2000)).toBe('2s');
  expect(formatDuration(90_500)).toBe('1m30s500ms');
});

test('an age is written with the precision that a person needs', () => {
  expect([0, 4130, 18_400, 65_000, 3_660_000, 90_000_000].map(formatAge)).toEqual([
    '0.0s',
    '4.1s',
    '18s',
    '1m05s',
    '1h01m',
    '1d01h',
  ]);
});
