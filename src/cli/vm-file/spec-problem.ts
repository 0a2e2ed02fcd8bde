/** One thing that is wrong in a file of VMs. */
export interface SpecProblem {
  /** 1-based. */
  readonly line: number;
  /** Field as a path, `disks[0].format`; empty for the document as a whole. */
  readonly field: string;
  readonly what: string;
  /** What was probably meant, or a valid example; null when there is no saying. */
  readonly suggestion: string | null;
}

export type Parsed<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'invalid'; readonly problems: readonly SpecProblem[] };

/** `db.yaml:4: disks[0].format: …; try …`, in the order of the file. */
export function specProblemLines(
  fileName: string,
  problems: readonly SpecProblem[],
): readonly string[] {
  return [...problems]
    .sort((a, b) => a.line - b.line)
    .map((problem) => {
      const field = problem.field === '' ? '' : `${problem.field}: `;
      const hint = problem.suggestion === null ? '' : `; ${problem.suggestion}`;
      return `${fileName}:${problem.line}: ${field}${problem.what}${hint}`;
    });
}

/** `['disks', 0, 'nbd']` → `disks[0].nbd`. */
export function fieldPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
}
