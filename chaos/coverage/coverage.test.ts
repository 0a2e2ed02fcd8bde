import { describe, expect, test } from 'vitest';
import type { CatalogueRow } from './catalogue.ts';
import type { Claim } from './claim.ts';
import { countCoverage, coverageOf } from './coverage.ts';
import type { JudgedClaim, RowCoverage } from './coverage.ts';
import { coveragePage, coveredIn } from './page.ts';
import { judgeClaims, readResults } from './results.ts';
import type { RunResults } from './results.ts';

function rowOf(id: string, more: Partial<CatalogueRow> = {}): CatalogueRow {
  const fixed = { scenario: 'it | breaks', outcome: 'all is well', cases: [] };
  return { id, group: 'node', tested: 'both', ...fixed, ...more };
}

function claimOf(id: string, kind: Claim['kind'], more: Partial<Claim> = {}): Claim {
  return { id, case: null, kind, source: `${kind}/a.test.ts`, title: `${id}: it holds`, ...more };
}

const asClaimed = (claims: readonly Claim[]): readonly JudgedClaim[] => judgeClaims(claims, []);

function one(row: CatalogueRow, claims: readonly Claim[]): RowCoverage {
  const [covered] = coverageOf([row], asClaimed(claims));
  if (covered === undefined) throw new Error('no row');
  return covered;
}

describe('a row', () => {
  test('for both kinds is covered by both, and not by one of them and a unit test', () => {
    expect(one(rowOf('N1'), [claimOf('N1', 'sim'), claimOf('N1', 'real')]).status).toBe('covered');
    const half = one(rowOf('N1'), [claimOf('N1', 'sim'), claimOf('N1', 'unit')]);
    expect([half.status, half.missing]).toEqual(['partly', ['a real test']]);
    expect(one(rowOf('N1'), [claimOf('N8', 'sim')]).status).toBe('open');
  });

  test('with cases is covered when each of them is', () => {
    const row = rowOf('M1', { tested: 'sim', cases: ['intent', 'off'] });
    const intent = claimOf('M1', 'sim', { case: 'intent' });
    expect(one(row, [intent]).kinds.sim).toMatchObject({ casesClaimed: 1, cases: 2 });
    expect(one(row, [intent]).status).toBe('partly');
    expect(one(row, [intent, claimOf('M1', 'sim', { case: 'off' })]).status).toBe('covered');
    expect(one(row, [claimOf('M1', 'sim', { case: '*' })]).status).toBe('covered');
    expect(one(row, [claimOf('M1', 'sim')]).status).toBe('open');
  });

  test('whose outcome waits for a feature stays open, whatever is claimed', () => {
    const claims = [claimOf('V14', 'sim'), claimOf('V14', 'real')];
    expect(one(rowOf('V14'), claims)).toMatchObject({
      status: 'partly',
      missing: ['post-copy migration'],
    });
  });
});

describe('results', () => {
  const claims = [
    claimOf('N1', 'sim', { source: 'kennel-power-loss' }),
    claimOf('N1', 'real', { source: 'test/a.real.test.ts' }),
    claimOf('N8', 'real', { source: 'test/a.real.test.ts' }),
    claimOf('C1', 'sim', { source: 'campaign' }),
  ];

  function run(value: unknown): RunResults {
    const results = readResults(value);
    if (results === null) throw new Error('not understood');
    return results;
  }

  function tests(status: string, ancestors: readonly string[], title: string): RunResults {
    const assertionResults = [{ ancestorTitles: ancestors, title, status }];
    return run({ testResults: [{ name: '/somewhere/test/a.real.test.ts', assertionResults }] });
  }

  const statesAfter = (...results: readonly RunResults[]): readonly string[] =>
    judgeClaims(claims, results).map(({ state }) => state);

  test('make claims green or red, and what is in none of them was not run', () => {
    expect(statesAfter()).toEqual(['claimed', 'claimed', 'claimed', 'claimed']);
    expect(statesAfter(tests('passed', ['N8: a group'], 'N1: one'))).toEqual([
      'notRun',
      'green',
      'green',
      'notRun',
    ]);
    expect(statesAfter(tests('skipped', [], 'N1: one'))).not.toContain('green');
  });

  test('of which one failed are red, in whatever order they come', () => {
    const [good, bad] = [tests('passed', [], 'N1: one'), tests('failed', [], 'N1: two')];
    expect(statesAfter(good, bad)[1]).toBe('red');
    expect(statesAfter(bad, good)[1]).toBe('red');
    const rows = coverageOf([rowOf('N1')], judgeClaims(claims, [bad]));
    expect(countCoverage(rows).red).toBe(1);
  });

  test('of scenarios go by their id', () => {
    const verdict = (text: string): RunResults =>
      run({
        results: [{ id: 'kennel-power-loss', class: 'portable', verdict: text, reasons: [] }],
      });
    expect(statesAfter(verdict('pass'))[0]).toBe('green');
    expect(statesAfter(verdict('fail'))[0]).toBe('red');
  });

  test('of a campaign count when it reached the states, and broke no rule', () => {
    const report = (
      sometimes: Record<string, number>,
      violations: readonly unknown[],
    ): RunResults => run({ seeds: 9, sometimes, violations });
    expect(statesAfter(report({ 'fault: wallStep': 2 }, []))[3]).toBe('green');
    expect(statesAfter(report({}, []))[3]).toBe('notRun');
    expect(statesAfter(report({ 'fault: wallStep': 2 }, [{}]))[3]).toBe('red');
  });

  test('of another form are not understood', () => {
    expect([readResults({}), readResults(null), readResults([{ results: 1 }])]).toEqual([
      null,
      null,
      null,
    ]);
  });
});

test('the page tells what it calls covered, so that a loss is seen', () => {
  const rows = coverageOf(
    [rowOf('N1'), rowOf('N8'), rowOf('M1', { cases: ['intent', 'off'] })],
    asClaimed([
      ...[claimOf('N1', 'sim'), claimOf('N1', 'real'), claimOf('N8', 'real')],
      claimOf('M1', 'sim', { case: 'off' }),
    ]),
  );
  expect([...coveredIn(coveragePage(rows))]).toEqual(['N1 sim', 'N1 real', 'N1', 'N8 real']);
});
