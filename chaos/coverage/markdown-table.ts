/** One table of a Markdown page, with the heading that it stands under. */
export interface MarkdownTable {
  readonly heading: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * The tables of a page, in their order. Cells are trimmed and otherwise as they stand. Throws for a
 * row with another number of cells than its table has columns: a stray `|` moves every cell.
 */
export function tablesOf(text: string): readonly MarkdownTable[] {
  const tables: { heading: string; columns: string[]; rows: string[][] }[] = [];
  let heading = '';
  let isOpen = false;
  for (const line of text.split('\n')) {
    const cells = cellsOf(line);
    if (line.startsWith('#')) heading = line.replaceAll('#', '').trim();
    if (cells === null) {
      isOpen = false;
    } else if (!isOpen) {
      tables.push({ heading, columns: cells, rows: [] });
      isOpen = true;
    } else if (!cells.every(isRule)) {
      const table = tables.at(-1);
      if (table === undefined || cells.length !== table.columns.length) {
        throw new Error(`a row of "${heading}" has ${cells.length} cells: ${line}`);
      }
      table.rows.push(cells);
    }
  }
  return tables;
}

/** A row as the formatters of Markdown leave it. */
export function markdownRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** The lines of a table. */
export function markdownTable({ columns, rows }: Omit<MarkdownTable, 'heading'>): string {
  const rule = `|${columns.map(() => '---').join('|')}|`;
  return [markdownRow(columns), rule, ...rows.map(markdownRow)].join('\n');
}

function cellsOf(line: string): string[] | null {
  if (!line.startsWith('|') || !line.endsWith('|') || line.length < 2) return null;
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

const isRule = (cell: string): boolean => /^:?-+:?$/.test(cell);
