import { expect, test } from 'vitest';
import { summarizeAll, table, type Run } from './summary.ts';

const run = (of: Partial<Run>): Run => ({
  product: 'kennel',
  label: 'default',
  N: 1,
  load: 1,
  ...of,
});

test('runs are grouped by product, configuration, settle time and number of VMs', () => {
  const summaries = summarizeAll([
    run({ last: 4, settle_ms: 2000 }),
    run({ product: 'pacemaker', last: 8, load: '2.50' }),
    run({ last: 5, settle_ms: 2000 }),
    run({ last: 3, settle_ms: 500 }),
    run({ last: 9, N: 100, settle_ms: 2000 }),
  ]);
  expect(summaries.map(({ product, N, runs, last }) => [product, N, runs, last?.median])).toEqual([
    ['kennel', 1, 2, 4.5],
    ['pacemaker', 1, 1, 8],
    ['kennel', 1, 1, 3],
    ['kennel', 100, 1, 9],
  ]);
});

test('a load written as text counts as a number', () => {
  const [summary] = summarizeAll([run({ load: '2.50' }), run({ load: '1.50' })]);
  expect(summary?.load).toEqual({ median: 2, min: 1.5, max: 2.5 });
});

test('the table shows a range where there is one, and a dash for what was not seen', () => {
  const text = table(summarizeAll([run({ last: 4 }), run({ last: 5, settle_ms: 2000 })]));
  const [, , first, second] = text.split('\n');
  expect(first).toBe('| kennel | default | 1 | 1 | - | - | - | - | - | 4.00 | 1.00 |');
  expect(second).toContain('default, settle 2 s');
  expect(table(summarizeAll([run({ last: 4 }), run({ last: 5 })]))).toContain('4.50 (4.00-5.00)');
});
