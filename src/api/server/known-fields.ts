import { toJSONSchema, type ZodType } from 'zod';

/** The parts of a JSON Schema that matter for finding what is allowed at a place. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
}

type Path = readonly PropertyKey[];

const cache = new WeakMap<ZodType, SchemaNode>();

/** A zod schema as JSON Schema of what may be sent; made once per schema. */
function nodeOf(schema: ZodType): SchemaNode {
  const known = cache.get(schema);
  if (known !== undefined) return known;
  const made = toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
  cache.set(schema, made);
  return made;
}

/** Every schema that could apply at a path; of a union only the members that the data chose. */
export function schemasAt(schema: ZodType, path: Path, data: unknown): readonly SchemaNode[] {
  let nodes = expand(nodeOf(schema), data);
  let value = data;
  for (const segment of path) {
    value = childValue(value, segment);
    nodes = nodes.flatMap((node) => {
      const next = childNode(node, segment);
      return next === null ? [] : expand(next, value);
    });
  }
  return nodes;
}

/** Names of the fields that an object at this path may have. */
export function knownFields(schema: ZodType, path: Path, data: unknown): readonly string[] {
  const names = schemasAt(schema, path, data).flatMap((node) => Object.keys(node.properties ?? {}));
  return [...new Set(names)];
}

function expand(node: SchemaNode, value: unknown): readonly SchemaNode[] {
  const members = node.anyOf ?? node.oneOf;
  if (members === undefined) return [node];
  const chosen = members.filter((member) => fitsConstants(member, value));
  return (chosen.length > 0 ? chosen : members).flatMap((member) => expand(member, value));
}

/** A member of a union is ruled out by a field that has to have another value (`kind`). */
function fitsConstants(node: SchemaNode, value: unknown): boolean {
  return Object.entries(node.properties ?? {}).every(
    ([name, field]) => field.const === undefined || childValue(value, name) === field.const,
  );
}

function childNode(node: SchemaNode, segment: PropertyKey): SchemaNode | null {
  if (typeof segment === 'number') return node.items ?? null;
  const field = node.properties?.[String(segment)];
  if (field !== undefined) return field;
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : null;
}

export function childValue(value: unknown, segment: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) {
    return undefined;
  }
  return (value as Readonly<Record<PropertyKey, unknown>>)[segment];
}

/** The known name that was probably meant; null when none is near. */
export function nearestName(given: string, known: readonly string[]): string | null {
  const best = known
    .map((name) => ({ name, distance: editDistance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const allowed = Math.max(1, Math.floor(given.length / 3));
  return best !== undefined && best.distance <= allowed ? best.name : null;
}

/** Levenshtein distance; names are short, so the plain table is enough. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_unused, index) => index);
  for (const [i, left] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, right] of Array.from(b).entries()) {
      const replaced = (row[j] ?? 0) + (left === right ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
