import stringWidth from 'string-width';
import { printable } from './printable.ts';

export interface Cell {
  readonly text: string;
  /** Applied after padding, so that colour never moves a column. */
  readonly paint?: ((text: string) => string) | undefined;
  readonly align?: 'right' | undefined;
}

const gap = '  ';

/**
 * Aligned columns without boxes: two blanks between columns, none at the end of a line, so that
 * grep and awk can work with them. The last column is cut at `columns`, the others never are.
 */
export function renderColumns(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  columns: number,
): string[] {
  const titles: readonly Cell[] = header.map((text) => ({ text }));
  const cleaned = [titles, ...rows].map((row) =>
    row.map((cell) => ({ ...cell, text: printable(cell.text) })),
  );
  const widths = header.map((_, column) =>
    Math.max(...cleaned.map((row) => stringWidth(row[column]?.text ?? ''))),
  );
  const alignments = header.map((_, column) => cleaned[1]?.[column]?.align);
  return cleaned.map((row) => renderRow(row, { widths, alignments, columns }));
}

function renderRow(
  row: readonly Cell[],
  table: {
    readonly widths: readonly number[];
    readonly alignments: readonly ('right' | undefined)[];
    readonly columns: number;
  },
): string {
  const cells = row.map((cell, column) => {
    const isLast = column === row.length - 1;
    const before = table.widths.slice(0, column).reduce((sum, width) => sum + width + 2, 0);
    const shown = isLast ? cut(cell.text, table.columns - before) : cell.text;
    const padding = ' '.repeat(Math.max((table.widths[column] ?? 0) - stringWidth(shown), 0));
    const painted = cell.paint === undefined ? shown : cell.paint(shown);
    if (table.alignments[column] === 'right') return padding + painted;
    return isLast ? painted : painted + padding;
  });
  return cells.join(gap).trimEnd();
}

/** Shortens to `width` columns with a `…` at the end. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (stringWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept.trimEnd()}…`;
}

/** Breaks text at blanks into lines of at most `width` columns; a longer word has its own line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && stringWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  lines.push(line);
  return lines;
}

/** A list of `name  value` lines with the values aligned; long values are wrapped. */
export function renderFields(
  fields: readonly (readonly [name: string, value: string])[],
  columns: number,
): string[] {
  const width = Math.max(0, ...fields.map(([name]) => stringWidth(name)));
  return fields.flatMap(([name, value]) =>
    wrap(value, columns - width - 2).map((line, index) =>
      `${(index === 0 ? name : '').padEnd(width)}${gap}${line}`.trimEnd(),
    ),
  );
}
