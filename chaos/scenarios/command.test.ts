import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { scenarioCommand } from './command.ts';
import { sampleFile } from './testing/sample.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kennel-scenario-'));
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(directory, { recursive: true, force: true });
});

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

async function run(...words: readonly string[]): Promise<unknown> {
  const json = join(directory, 'results.json');
  await scenarioCommand().parseAsync([...words, '--json', json], { from: 'user' });
  return JSON.parse(readFileSync(json, 'utf8'));
}

test('results are written as JSON, one per file in their order; a failure is exit code 1', async () => {
  const good = file('good.json', JSON.stringify(sampleFile()));
  const bad = file('bad.json', JSON.stringify({ ...sampleFile(), oddity: 1 }));
  expect(await run(good)).toEqual({
    results: [{ id: 'sample', class: 'portable', verdict: 'pass', reasons: [] }],
  });
  expect(process.exitCode).toBeUndefined();
  expect(await run(bad, good)).toEqual({
    results: [
      {
        id: 'bad',
        class: null,
        verdict: 'fail',
        reasons: ['invalid: oddity: is not a known field'],
      },
      { id: 'sample', class: 'portable', verdict: 'pass', reasons: [] },
    ],
  });
  expect(process.exitCode).toBe(1);
});

test('a file that cannot be read is a problem with its name', async () => {
  await expect(run(join(directory, 'absent.json'))).rejects.toMatchObject({
    code: 'E_DATA_DIRECTORY',
  });
});
