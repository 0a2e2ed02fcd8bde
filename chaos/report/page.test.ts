import { parse } from 'parse5';
import type { DefaultTreeAdapterTypes } from 'parse5';
import { describe, expect, test } from 'vitest';
import { distributionOf, distributionOfTimes, quantileMs } from './distribution.ts';
import { inputSchemas, noInputs, sourceCommands } from './inputs.ts';
import { reportPage } from './page.ts';
import { fullInputs } from './testing/full-inputs.ts';
import { counted, duration, grouped } from './units.ts';

const inputs = fullInputs((name) => name);

/** What a reader sees, with single blanks. */
function readable(page: string): string {
  const words = (node: DefaultTreeAdapterTypes.Node): string => {
    if ('value' in node) return node.value;
    if ('tagName' in node && ['style', 'title'].includes(node.tagName)) return '';
    return 'childNodes' in node ? node.childNodes.map(words).join(' ') : '';
  };
  return words(parse(page)).replaceAll(/\s+/g, ' ');
}

const pageOf = (patch: Partial<typeof inputs>): string =>
  readable(reportPage({ ...noInputs, ...patch }, '2026-01-02 03:04 UTC'));

describe('the page', () => {
  test('says what is wrong first, with the command that shows it again', () => {
    const text = pageOf(inputs);
    expect(text).toContain('✗ 2 rules were broken; 1 planted defect survived.');
    expect(text).toContain('seed 7 checker message replay');
    expect(text).toContain('real run, 65 s realChecker realMessage real runs are not repeatable');
    expect(text).not.toContain('Not given');
  });

  test('counts what it was given', () => {
    const text = pageOf(inputs);
    for (const part of [
      '2 violations',
      '1 000 seeds',
      '17.25 simulated cluster-hours',
      '12 simulated failovers',
      '20 min on real parts',
      '2 real failovers',
      '1 / 2 planted defects caught',
      '1 / 2 scenarios passed',
      '0 / 1 kinds of failure covered',
      '1 000 seeds, 30 faults, 1 234 567 events.',
      'detected',
      'survivor what ✗ survived 300 mutant summary by 14',
      'never never state 4',
      'group 0 / 1 row ◐',
    ]) {
      expect(text.replaceAll('counted as lost', 'detected')).toContain(part);
    }
  });

  test('tells recovery times by step: how many, and by when half, 95 % and 99 % were done', () => {
    const text = pageOf({ sim: inputs.sim });
    expect(text).toContain('counted as lost 4 ≤ 2.0 s ≤ 4.0 s ≤ 4.0 s');
    expect(text).toContain(
      'VM runs again 4 ≤ 4.0 s longer than was measured longer than was measured',
    );
    expect(pageOf({ real: inputs.real })).toContain('VM runs again 1 ≤ 6.1 s ≤ 6.1 s ≤ 6.1 s');
  });

  test('of nothing says what to run', () => {
    const text = pageOf({});
    expect(text).toContain('whether a rule was broken is not known here');
    for (const command of Object.values(sourceCommands)) expect(text).toContain(command);
  });

  test('of a clean campaign says that nothing broke, and what was not reached', () => {
    const { sim } = inputs;
    if (sim === null) throw new Error('no campaign');
    const clean = { ...sim, violations: [], neverReached: [] };
    expect(pageOf({ sim: clean })).toContain('✓ No rule was broken.');
    expect(pageOf({ sim: clean })).toContain(
      'None. The checkers watched 1 000 seeds in the simulator.',
    );
    expect(pageOf({ sim: { ...clean, neverReached: ['a'] } })).toContain(
      '✓ No rule was broken, but 1 rare state was never reached.',
    );
    expect(pageOf({ sim: { ...clean, recovery: [] } })).toContain('recovery times: ');
  });
});

describe('a distribution', () => {
  const bucketsMs = [100, 200, 400];

  test('adds up from the first to the last bucket in use', () => {
    const { cumulative, total, beyond } = distributionOf({ bucketsMs, counts: [0, 1, 3, 4] });
    expect({ total, beyond }).toEqual({ total: 8, beyond: 4 });
    expect(cumulative).toEqual([
      { ms: 100, share: 0 },
      { ms: 200, share: 0.125 },
      { ms: 400, share: 0.5 },
    ]);
  });

  test('has quantiles as upper bounds, and none beyond what was measured', () => {
    const some = distributionOf({ bucketsMs, counts: [1, 8, 1, 0] });
    expect([0.1, 0.5, 0.9, 0.95, 1].map((share) => quantileMs(some, share))).toEqual([
      100, 200, 200, 400, 400,
    ]);
    expect(quantileMs(distributionOf({ bucketsMs, counts: [1, 0, 0, 1] }), 0.9)).toBeNull();
    expect(quantileMs(distributionOf({ bucketsMs, counts: [0, 0, 0, 2] }), 0.5)).toBeNull();
    expect(quantileMs(distributionOf({ bucketsMs, counts: [0, 0, 0, 0] }), 0.5)).toBeNull();
  });

  test('of single times steps up at each', () => {
    const times = distributionOfTimes([30, 10, 20, 20]);
    expect([0.25, 0.5, 0.75, 1].map((share) => quantileMs(times, share))).toEqual([10, 20, 20, 30]);
  });
});

test('times and numbers are written as people read them', () => {
  expect([0, 4, 850, 999, 1234, 9949, 9960, 61_000, 120_000, 125_000].map(duration)).toEqual([
    '0',
    '4 ms',
    '850 ms',
    '1.0 s',
    '1.2 s',
    '9.9 s',
    '10 s',
    '61 s',
    '2 min',
    '2 min 5 s',
  ]);
  expect([0, 999, 1000, 1_234_567, 0.125].map(grouped)).toEqual([
    '0',
    '999',
    '1\u202F000',
    '1\u202F234\u202F567',
    '0.13',
  ]);
  expect([counted(1, 'seed'), counted(2, 'seed')]).toEqual(['1 seed', '2 seeds']);
});

describe('a report of another form is refused', () => {
  test.each([
    ['sim', { seeds: -1 }],
    [
      'sim',
      {
        ...inputs.sim,
        recovery: [{ proof: 'a', stage: 'proven', bucketsMs: [1, 2], counts: [1] }],
      },
    ],
    [
      'sim',
      {
        ...inputs.sim,
        recovery: [{ proof: 'a', stage: 'proven', bucketsMs: [2, 1], counts: [1, 1, 1] }],
      },
    ],
    ['mutants', { mutants: [{ name: 'a' }] }],
    ['scenarios', { results: [{ id: 'a', class: null, verdict: 'perhaps', reasons: [] }] }],
    ['real', []],
    ['coverage', { rows: [{ id: 'N1' }] }],
  ] as const)('%s: %j', (name, value) => {
    expect(inputSchemas[name].safeParse(value).success).toBe(false);
  });

  test('and what the commands write is taken', () => {
    for (const [name, schema] of Object.entries(inputSchemas)) {
      const value = inputs[name as keyof typeof inputSchemas];
      expect({ name, taken: schema.safeParse(value).success }).toEqual({ name, taken: true });
    }
  });
});
