import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LabError } from './lab-error.ts';
import { makeLabDirectory, readRecord, recordIfReadable, writeRecord } from './lab-record.ts';
import type { LabRecord } from './lab-record.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kennel-record-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const record: LabRecord = {
  version: 1,
  id: 'kl00000',
  prefix: 'kl',
  subnet: '10.77.0',
  group: '/nowhere',
  namespaces: ['kl00000-fab'],
  nodes: 2,
  managers: 1,
  pdus: false,
  disks: ['disk-1'],
  processes: [],
};

test('what was written is read back, and an empty directory holds no lab', () => {
  expect(readRecord(directory)).toBeNull();
  writeRecord(directory, record);
  expect(readRecord(directory)).toEqual(record);
});

test.each([
  ['half a file', '{"version":1,'],
  ['another version', '{"version":2}'],
])('%s is a coded error, and no obstacle for taking the lab down', (_what, text) => {
  writeFileSync(join(directory, 'lab.json'), text);
  expect(() => readRecord(directory)).toThrow(LabError);
  expect(recordIfReadable(directory)).toBeNull();
});

test('a directory that others may write to is refused', () => {
  chmodSync(directory, 0o777);
  expect(() => makeLabDirectory(directory)).toThrow(/others may write/);
});
