import { tablesOf } from './markdown-table.ts';
import type { MarkdownTable } from './markdown-table.ts';

/** Where a row is to be shown: in the simulator, on real parts, beside the code. */
export const testKinds = ['sim', 'real', 'unit'] as const;

export type TestKind = (typeof testKinds)[number];

export interface CatalogueRow {
  readonly id: string;
  readonly group: string;
  readonly scenario: string;
  readonly outcome: string;
  /** The column "tested" as it stands; an invariant is to be seen in both. */
  readonly tested: 'sim' | 'real' | 'both' | 'unit';
  /** Cases that are counted one by one; empty for most rows. */
  readonly cases: readonly string[];
}

/** The rows of docs/failures.md, in its order. */
export type Catalogue = readonly CatalogueRow[];

const groupHeading = /^([A-Z]) — (.+)$/;

/** Reads the text of docs/failures.md; throws for a page that does not keep its own rules. */
export function readCatalogue(text: string): Catalogue {
  const tables = tablesOf(text);
  const cases = casesOf(tables.find(({ columns }) => columns[1] === 'cases'));
  const rows = tables.flatMap((table) => rowsOf(table, cases));
  if (rows.length === 0) throw new Error('the catalogue has no rows');
  const ids = new Set(rows.map(({ id }) => id));
  if (ids.size !== rows.length) throw new Error('an id stands twice in the catalogue');
  for (const id of cases.keys()) {
    if (!ids.has(id)) throw new Error(`cases of ${id}, which is no row of the catalogue`);
  }
  return rows;
}

/** The kinds of test that a row asks for. */
export function kindsAsked({ tested }: CatalogueRow): readonly TestKind[] {
  return tested === 'both' ? ['sim', 'real'] : [tested];
}

function rowsOf(
  { heading, columns, rows }: MarkdownTable,
  cases: ReadonlyMap<string, readonly string[]>,
): readonly CatalogueRow[] {
  const [, letter, group] = groupHeading.exec(heading) ?? [];
  if (letter === undefined || group === undefined || columns[0] !== 'id') return [];
  const isInvariants = columns[1] === 'invariant';
  return rows.map((cells) => {
    const [id = '', scenario = '', outcome = '', tested = ''] = isInvariants
      ? [cells[0], cells[1], 'holds in every run', 'both']
      : cells;
    if (!new RegExp(`^${letter}\\d+$`).test(id)) throw new Error(`${id} stands under ${heading}`);
    if (!isTested(tested)) throw new Error(`${id} is to be tested "${tested}", which is no kind`);
    return { id, group, scenario, outcome, tested, cases: cases.get(id) ?? [] };
  });
}

function casesOf(table: MarkdownTable | undefined): ReadonlyMap<string, readonly string[]> {
  const rows = table?.rows ?? [];
  return new Map(
    rows.map(([id = '', names = '']) => [id, names.split(',').map((name) => name.trim())]),
  );
}

function isTested(text: string): text is CatalogueRow['tested'] {
  return ['sim', 'real', 'both', 'unit'].includes(text);
}
