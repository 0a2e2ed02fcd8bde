import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { simCommand } from './sim-command.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kennel-sim-command-'));
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  vi.restoreAllMocks();
  process.exitCode = 0;
});

/** Each starts worker processes, which read the whole product first, ms. */
const computesMs = 240_000;

async function report(...words: readonly string[]): Promise<Record<string, unknown>> {
  const file = join(directory, 'report.json');
  await simCommand().parseAsync([...words, '--json', file], { from: 'user' });
  expect(process.exitCode).toBe(0);
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

test(
  'the report has these fields and no others, and its hash knows nothing of the workers',
  async () => {
    const one = await report('--seeds', '4', '--from', '500', '--workers', '1');
    expect(Object.keys(one).sort()).toEqual([
      'clusterHoursPerCpuSecond',
      'events',
      'failovers',
      'hash',
      'recovery',
      'seeds',
      'sometimes',
      'violations',
    ]);
    const three = await report('--seeds', '4', '--from', '500', '--workers', '3');
    expect({ ...three, clusterHoursPerCpuSecond: 0 }).toEqual({
      ...one,
      clusterHoursPerCpuSecond: 0,
    });
  },
  computesMs,
);

test(
  'a longer time of faults has more of them',
  async () => {
    const short = await report('--seeds', '1', '--from', '9', '--profile', 'power');
    const long = await report(
      '--seeds',
      '1',
      '--from',
      '9',
      '--profile',
      'power',
      '--hours',
      '0.1',
    );
    expect(Number(long['events'])).toBeGreaterThan(Number(short['events']) * 3);
  },
  computesMs,
);
