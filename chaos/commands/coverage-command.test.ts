import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { coverageCommand } from './coverage-command.ts';
import { reportCommand } from './report-command.ts';

// Each reads the whole project, some of them several times.
vi.setConfig({ testTimeout: 120_000 });

let directory = '';
let said: string[] = [];
const at = (name: string): string => join(directory, name);
const committed = new URL('../../docs/coverage.md', import.meta.url);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kennel-coverage-'));
  said = [];
  const say = (text: unknown): void => void said.push(String(text));
  vi.spyOn(console, 'log').mockImplementation(say);
  vi.spyOn(console, 'error').mockImplementation(say);
});

afterEach(() => {
  rmSync(directory, { recursive: true });
  vi.restoreAllMocks();
  process.exitCode = 0;
});

const coverage = async (...words: readonly string[]): Promise<unknown> => {
  await coverageCommand().parseAsync(words, { from: 'user' });
  return process.exitCode;
};

test('coverage is printed by row, and written in a form that the report takes', async () => {
  expect(await coverage('--json', at('coverage.json'))).toBe(0);
  expect(said.at(-1)).toMatch(/^\d+ covered, \d+ partly, \d+ open$/);
  await reportCommand().parseAsync(['--coverage', at('coverage.json'), '--out', at('page.html')], {
    from: 'user',
  });
  expect(readFileSync(at('page.html'), 'utf8')).toContain('Failure catalogue');
});

test('a red result is exit code 1', async () => {
  const results = [{ id: 'kennel-power-loss', verdict: 'fail' }];
  writeFileSync(at('scenarios.json'), JSON.stringify({ results }));
  expect(await coverage('--results', at('scenarios.json'))).toBe(1);
  expect(said.at(-1)).toContain('2 red');
});

test('a page that would lose a row is not written, unless the row is withdrawn', async () => {
  const text = readFileSync(committed, 'utf8');
  const row = text.split('\n').find((line) => line.startsWith('| N4 |')) ?? '';
  const more = text.replace(row, row.replace('| – |', '| ✓ |'));
  writeFileSync(at('coverage.md'), more);
  expect(more).not.toBe(text);
  expect(await coverage('--docs', at('coverage.md'))).toBe(1);
  expect(said).toContain('N4 sim was covered before; the page was not written');
  expect(readFileSync(at('coverage.md'), 'utf8')).toBe(more);
  expect(await coverage('--docs', at('coverage.md'), '--withdraw', 'N4')).toBe(0);
  expect(readFileSync(at('coverage.md'), 'utf8')).toBe(text);
});

test('a row is told with its claims; one that is none, and a file that is no result, are problems', async () => {
  expect(await coverage('--row', 'M1')).toBe(0);
  expect(said.join('\n')).toContain('test/cluster/leader-death.test.ts: M1/proven');
  await expect(coverage('--row', 'Z1')).rejects.toMatchObject({ code: 'E_USAGE' });
  writeFileSync(at('other.json'), '{"a":1}');
  await expect(coverage('--results', at('other.json'))).rejects.toMatchObject({ code: 'E_USAGE' });
  writeFileSync(at('none.json'), 'no');
  await expect(coverage('--results', at('none.json'))).rejects.toThrow('is not JSON');
});
