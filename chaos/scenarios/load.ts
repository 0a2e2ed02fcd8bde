import type { z } from 'zod';
import { scenarioSchema } from './schema.ts';
import type { Scenario } from './schema.ts';

export type Loaded =
  | { readonly kind: 'scenario'; readonly scenario: Scenario }
  /** One line per problem, `path: message`. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/** Reads one scenario file. What is wrong with it is told by path, all of it at once. */
export function loadScenario(text: string): Loaded {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'invalid', problems: [`not JSON: ${message}`] };
  }
  const result = scenarioSchema.safeParse(parsed);
  if (result.success) return { kind: 'scenario', scenario: result.data };
  return {
    kind: 'invalid',
    problems: result.error.issues.flatMap((issue) => linesOf(issue, parsed)),
  };
}

function linesOf(issue: z.core.$ZodIssue, file: unknown): readonly string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${pathText([...issue.path, key])}: is not a known field`);
  }
  const found = valueAt(file, issue.path);
  const shown = typeof found === 'string' ? `${JSON.stringify(found)} ` : '';
  return [`${pathText(issue.path)}: ${shown}${issue.message}`];
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('');
  return text === '' ? 'file' : text.replace(/^\./, '');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return at;
}
