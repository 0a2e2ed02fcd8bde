import { expect, test } from 'vitest';
import { readDiskHealth } from './disk-health.ts';

const said = { lastSyncMs: 0.4, slowestSyncMs: 12, writeErrors: 0, logBytes: 4096 };

test('what a member says of its disk is taken as it is', () => {
  expect(readDiskHealth({ ...said, more: 'is dropped' })).toEqual(said);
});

test.each([
  undefined,
  null,
  'well',
  [1],
  {},
  { ...said, lastSyncMs: -1 },
  { ...said, slowestSyncMs: '12' },
  { ...said, writeErrors: 0.5 },
  { ...said, logBytes: null },
])('%j says nothing of a disk', (value) => {
  expect(readDiskHealth(value)).toBeNull();
});
