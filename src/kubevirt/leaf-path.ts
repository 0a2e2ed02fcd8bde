/** Where something stands in a manifest: keys of objects, and positions in lists. */
export type Path = readonly (string | number)[];

export interface Leaf {
  readonly path: Path;
  /** A scalar, null, `[]` or `{}`. */
  readonly value: unknown;
}

/** Everything of a value that has nothing below it. An empty list or object is a leaf too. */
export function leavesOf(value: unknown, path: Path = []): readonly Leaf[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((item, index) => leavesOf(item, [...path, index]));
  }
  if (isObject(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, key]));
  }
  return [{ path, value }];
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `spec.volumes[0].name`; a key that is no plain word in quotes, `metadata.labels["a/b"]`. */
export function pathText(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      if (!/^[A-Za-z_][\w-]*$/.test(part)) return `[${JSON.stringify(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
}

/** Whether `path` stands at `above` or below it. */
export function isWithin(path: Path, above: Path): boolean {
  return above.length <= path.length && above.every((part, index) => part === path[index]);
}
