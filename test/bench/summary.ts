import { spread, type Spread } from './statistics.ts';

/** What a table needs of one repetition, of whichever product. */
export interface Run {
  readonly product: string;
  readonly label: string;
  readonly N: number;
  /** One peer writes it as text. */
  readonly load: number | string;
  readonly settle_ms?: number;
  readonly started?: number;
  readonly membership?: number | null;
  readonly fence_decided?: number | null;
  readonly fence_done?: number | null;
  readonly first?: number | null;
  readonly median?: number | null;
  readonly last?: number | null;
}

export interface Summary {
  readonly product: string;
  readonly label: string;
  readonly settle_ms: number | null;
  readonly N: number;
  readonly runs: number;
  readonly membership: Spread | null;
  readonly fence_decided: Spread | null;
  readonly fence_done: Spread | null;
  readonly first: Spread | null;
  readonly median: Spread | null;
  readonly last: Spread | null;
  readonly load: Spread | null;
}

/** Medians and ranges of runs of one configuration. */
export function summarize(runs: readonly [Run, ...Run[]]): Summary {
  const [{ product, label, N, settle_ms }] = runs;
  const of = (field: 'membership' | 'fence_decided' | 'fence_done' | 'first' | 'median' | 'last') =>
    spread(runs.map((run) => run[field]));
  return {
    product,
    label,
    settle_ms: settle_ms ?? null,
    N,
    runs: runs.length,
    membership: of('membership'),
    fence_decided: of('fence_decided'),
    fence_done: of('fence_done'),
    first: of('first'),
    median: of('median'),
    last: of('last'),
    load: spread(runs.map((run) => Number(run.load))),
  };
}

/** One summary per product, configuration and number of VMs, in the order of their first run. */
export function summarizeAll(runs: readonly Run[]): readonly Summary[] {
  const groups = new Map<string, [Run, ...Run[]]>();
  for (const run of runs) {
    const key = [run.N, run.product, run.label, run.settle_ms].join(' ');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return [...groups.values()].map(summarize);
}

const columns = [
  'product',
  'config',
  'N',
  'runs',
  'detected',
  'fence decided',
  'fence done',
  'first start',
  'median start',
  'last start',
  'load',
] as const;

/** A markdown table: seconds after the crash, median (min-max). */
export function table(summaries: readonly Summary[]): string {
  const rows = summaries.map((summary) => [
    summary.product,
    summary.settle_ms === null
      ? summary.label
      : `${summary.label}, settle ${summary.settle_ms / 1000} s`,
    String(summary.N),
    String(summary.runs),
    cell(summary.membership),
    cell(summary.fence_decided),
    cell(summary.fence_done),
    cell(summary.first),
    cell(summary.median),
    cell(summary.last),
    cell(summary.load),
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

function cell(value: Spread | null): string {
  if (value === null) return '-';
  const { median, min, max } = value;
  const middle = median.toFixed(2);
  return min === max ? middle : `${middle} (${min.toFixed(2)}-${max.toFixed(2)})`;
}
