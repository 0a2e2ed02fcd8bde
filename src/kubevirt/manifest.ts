import { isObject, type Path } from './leaf-path.ts';

/** One Kubernetes object as it came out of a file. */
export interface Manifest {
  readonly file: string;
  /** Where it stands in its document: empty, or `items[3]` of a List. */
  readonly base: Path;
  readonly value: unknown;
  /** As `kind` and `metadata` say; empty where they do not. */
  readonly kind: string;
  readonly group: string;
  readonly name: string;
  readonly namespace: string;
}

/** The objects of a document: itself, or what a List holds, and the List without that. */
export function manifestsOf(file: string, document: unknown): readonly Manifest[] {
  const whole = manifestAt(file, [], document);
  if (!isObject(document) || !whole.kind.endsWith('List') || !Array.isArray(document['items'])) {
    return [whole];
  }
  const { items, ...rest } = document;
  const itemKind = whole.kind.slice(0, -'List'.length);
  return [
    { ...whole, value: rest },
    ...(items as readonly unknown[]).map((item, index) => {
      const one = manifestAt(file, ['items', index], item);
      // What a typed list holds need not repeat its kind.
      return one.kind === '' ? { ...one, kind: itemKind, group: whole.group } : one;
    }),
  ];
}

function manifestAt(file: string, base: Path, value: unknown): Manifest {
  const object = isObject(value) ? value : {};
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  return {
    file,
    base,
    value,
    kind: textOf(object['kind']),
    group: textOf(object['apiVersion']).split('/').slice(0, -1).join('/'),
    name: textOf(metadata['name']),
    namespace: textOf(metadata['namespace']),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
