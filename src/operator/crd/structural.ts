import { z } from 'zod';

export type JsonSchema = { readonly [key: string]: unknown };

/** Where a text has a form and no length of its own. */
const patternedLength = 1024;

/**
 * The structural schema of Kubernetes for a zod schema: no references, a type at every level, everything
 * bounded, because the cost of a CEL rule is reckoned from bounds. Throws for what has no such form.
 */
export function structuralSchema(schema: z.ZodType): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    reused: 'inline',
    unrepresentable: 'throw',
  });
  return structural(json, '');
}

const dropped = new Set(['$schema', 'additionalProperties', 'propertyNames', 'anyOf', 'const']);

function structural(json: JsonSchema, path: string): JsonSchema {
  const choices = json['anyOf'] as readonly JsonSchema[] | undefined;
  if (choices !== undefined) return enumOf(json, choices, path);
  const kept = Object.fromEntries(Object.entries(json).filter(([key]) => !dropped.has(key)));
  switch (json['type']) {
    case 'object':
      return objectSchema(json, kept, path);
    case 'array':
      if (json['maxItems'] === undefined) throw new Error(`${path} is a list without a bound`);
      return { ...kept, items: structural(json['items'] as JsonSchema, `${path}[]`) };
    case 'string':
      return text(kept, path);
    case 'integer':
      return { ...kept, format: 'int64' };
    case 'number':
    case 'boolean':
      return kept;
    default:
      throw new Error(`${path} has no one type`);
  }
}

function objectSchema(json: JsonSchema, kept: JsonSchema, path: string): JsonSchema {
  const properties = json['properties'] as Readonly<Record<string, JsonSchema>> | undefined;
  const required = (json['required'] ?? []) as readonly string[];
  const { required: _, ...rest } = kept;
  return {
    ...rest,
    ...(required.length === 0 ? {} : { required }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, one]) => [
              name,
              structural(one, `${path}.${name}`),
            ]),
          ),
        }),
  };
}

function text(kept: JsonSchema, path: string): JsonSchema {
  if (kept['maxLength'] !== undefined || kept['enum'] !== undefined) return kept;
  if (kept['pattern'] !== undefined) return { ...kept, maxLength: patternedLength };
  throw new Error(`${path} is a text without a bound`);
}

/** Several constants of one type. */
function enumOf(json: JsonSchema, choices: readonly JsonSchema[], path: string): JsonSchema {
  const type = choices[0]?.['type'];
  const isEnum = choices.every((one) => one['const'] !== undefined && one['type'] === type);
  if (!isEnum) throw new Error(`${path} may be of several forms`);
  const { anyOf: _, ...kept } = json;
  return {
    ...kept,
    type: type === 'number' ? 'integer' : type,
    enum: choices.map((one) => one['const']),
  };
}
