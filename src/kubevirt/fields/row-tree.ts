import type { Path } from '../leaf-path.ts';
import type { Row } from './row.ts';

interface Branch {
  row: Row | null;
  readonly below: Map<string, Branch>;
}

/** Rows by where they stand: the one for a path is the deepest on the way to it. */
export class RowTree {
  readonly #root: Branch = { row: null, below: new Map() };

  constructor(rows: readonly Row[]) {
    for (const row of rows) {
      let branch = this.#root;
      for (const step of stepsOf(row.at)) {
        const next = branch.below.get(step) ?? { row: null, below: new Map<string, Branch>() };
        branch.below.set(step, next);
        branch = next;
      }
      branch.row ??= row;
    }
  }

  /** The row that speaks of this field by its name, not only of one that it lies in. */
  exact(path: Path): Row | null {
    const steps = path.map((part) => (typeof part === 'number' ? '[]' : part));
    const end = steps.reduce<Branch | undefined>(
      (branch, step) => branch?.below.get(step) ?? branch?.below.get('*'),
      this.#root,
    );
    return end?.row ?? null;
  }

  /** `isKnown` is also true of what has no row and holds fields that have one. */
  find(path: Path): { readonly row: Row | null; readonly isKnown: boolean } {
    let branch = this.#root;
    let { row } = branch;
    for (const part of path) {
      const next =
        typeof part === 'number'
          ? branch.below.get('[]')
          : (branch.below.get(part) ?? branch.below.get('*'));
      if (next === undefined) return { row: isInside(row) ? row : null, isKnown: isInside(row) };
      branch = next;
      row = branch.row ?? (isInside(row) ? row : null);
    }
    return { row, isKnown: row !== null || branch.below.size > 0 };
  }
}

/** A field that is mapped is one value: what stands below it is not said by its row. */
function isInside(row: Row | null): boolean {
  return row !== null && row.verdict !== 'mapped';
}

/** `a.b[].c["x.y/z"]` → a, b, [], c, x.y/z. */
function stepsOf(at: string): readonly string[] {
  return [...at.matchAll(/\[\]|\["([^"]+)"\]|[^.[\]]+/g)].map((match) => match[1] ?? match[0]);
}
