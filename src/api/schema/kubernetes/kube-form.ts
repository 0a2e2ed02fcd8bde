import { z } from 'zod';
import { ruled } from './rule.ts';

/**
 * The form of an API schema that is usual in Kubernetes: fields that may be null are absent instead, one
 * of several kinds is the one field that is there (`source: {nbd: {…}}`), words begin with a capital, lists
 * are empty and flags false unless they are given. `apiValue` leads back.
 */
export function kubeForm(schema: z.ZodType): z.ZodType {
  const { def } = schema as z.ZodType & { readonly def: Def };
  switch (def.type) {
    case 'object':
      return z.strictObject(mapped(def.shape ?? {}, kubeForm));
    case 'nullable':
    case 'optional':
      return kubeForm(inner(def)).optional();
    case 'readonly':
      return kubeForm(inner(def));
    case 'union':
      return def.discriminator === undefined ? enumOfLiterals(schema, def) : oneOf(def);
    case 'enum':
      return z.enum(Object.values(def.entries ?? {}).map(capitalised) as [string, ...string[]]);
    case 'array': {
      const list = z.array(kubeForm(def.element ?? z.never()));
      const most = maximumOf(schema);
      return (most === null ? list : list.max(most)).default([]);
    }
    case 'boolean':
      return z.boolean().default(false);
    default:
      return schema;
  }
}

/** What `kubeForm` of a schema means to the API. The value was checked by that form. */
export function apiValue(schema: z.ZodType, value: unknown): unknown {
  const { def } = schema as z.ZodType & { readonly def: Def };
  switch (def.type) {
    case 'object':
      return mapped(def.shape ?? {}, (field, name) =>
        apiValue(field, (value as Readonly<Record<string, unknown>>)[name]),
      );
    case 'nullable':
      return value === undefined ? null : apiValue(inner(def), value);
    case 'optional':
      return value === undefined ? undefined : apiValue(inner(def), value);
    case 'readonly':
      return apiValue(inner(def), value);
    case 'union':
      return def.discriminator === undefined ? value : chosenOf(def, value as object);
    case 'enum':
      return Object.values(def.entries ?? {}).find((word) => capitalised(word) === value);
    case 'array':
      return (value as readonly unknown[]).map((one) => apiValue(def.element ?? z.never(), one));
    default:
      return value;
  }
}

/** `running` is `Running` in Kubernetes. */
export function capitalised(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** What is read of a schema's own description of itself. */
interface Def {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly discriminator?: string;
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
}

const defOf = (schema: z.ZodType): Def => (schema as z.ZodType & { readonly def: Def }).def;

function inner(def: Def): z.ZodType {
  if (def.innerType === undefined) throw new Error(`a schema of type ${def.type} wraps nothing`);
  return def.innerType;
}

function mapped<T>(
  shape: Readonly<Record<string, z.ZodType>>,
  map: (field: z.ZodType, name: string) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, map(field, name)]));
}

/** The kinds of a union, each with its fields but `kind`. */
function variantsOf(def: Def): readonly { readonly kind: string; readonly body: z.ZodType }[] {
  return (def.options ?? []).map((option) => {
    const { [def.discriminator ?? '']: kind, ...rest } = defOf(option).shape ?? {};
    if (kind === undefined) throw new Error('a variant has no kind');
    return { kind: String(defOf(kind).values?.[0]), body: z.strictObject(rest) };
  });
}

function oneOf(def: Def): z.ZodType {
  const variants = variantsOf(def);
  const names = variants.map(({ kind }) => kind);
  const shape = Object.fromEntries(
    variants.map(({ kind, body }) => [kind, kubeForm(body).optional()]),
  );
  const choice: z.ZodType<Readonly<Record<string, unknown>>> = z.strictObject(shape);
  return ruled(choice, [
    {
      cel: `[${names.map((name) => `has(self.${name})`).join(', ')}].filter(x, x).size() == 1`,
      message: `exactly one of ${names.join(', ')}`,
      holds: (value) => names.filter((name) => value[name] !== undefined).length === 1,
    },
  ]);
}

function chosenOf(def: Def, value: object): unknown {
  const fields = value as Readonly<Record<string, unknown>>;
  for (const { kind, body } of variantsOf(def)) {
    const given = fields[kind];
    if (given !== undefined) {
      return { [def.discriminator ?? '']: kind, ...(apiValue(body, given) as object) };
    }
  }
  throw new Error('a choice without a chosen one passed its check');
}

/** Numbers of a short list. */
function enumOfLiterals(schema: z.ZodType, def: Def): z.ZodType {
  const isLiteral = (def.options ?? []).every((option) => defOf(option).type === 'literal');
  if (!isLiteral) throw new Error('a union without a discriminator has no form in Kubernetes');
  return schema;
}

function maximumOf(list: z.ZodType): number | null {
  const json = z.toJSONSchema(list, { io: 'input' }) as { readonly maxItems?: number };
  return json.maxItems ?? null;
}
