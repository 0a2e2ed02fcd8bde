import type { ZodError, ZodType } from 'zod';
import type { Problem } from '../../core/problem.ts';
import { childValue, knownFields, nearestName, schemasAt } from './known-fields.ts';

type Issue = ZodError['issues'][number];

const maxIssues = 12;
const maxGiven = 60;
const secretPath = /password|passphrase|secret|token|key/i;

/** Where in a request something stood. */
export type RequestPart = 'body' | 'query' | 'path';

interface Place {
  readonly schema: ZodType;
  readonly data: unknown;
  readonly part: RequestPart;
}

/**
 * What is wrong with a request, field by field: the path, what is allowed there and what was
 * given. E_SPEC_INVALID when it is about the spec of a VM, E_USAGE otherwise. Values of fields
 * that hold secrets are not repeated.
 */
export function fieldProblem(error: ZodError, place: Place): Problem {
  // Unknown names first: they often explain what is missing.
  const isUnknown = (issue: Issue): boolean => issue.code === 'unrecognized_keys';
  const issues = [
    ...error.issues.filter(isUnknown),
    ...error.issues.filter((one) => !isUnknown(one)),
  ];
  const lines = issues.flatMap((issue) => describe(issue, place));
  const isSpec = place.part === 'body' && error.issues.every((issue) => issue.path[0] === 'spec');
  const more = lines.length - maxIssues;
  const count = `${lines.length} ${lines.length === 1 ? 'field' : 'fields'}`;
  return {
    code: isSpec ? 'E_SPEC_INVALID' : 'E_USAGE',
    what: isSpec ? `the spec is wrong in ${count}` : `the request is wrong in ${count}`,
    because: lines.slice(0, maxIssues).join('; ') + (more > 0 ? `; and ${more} more` : ''),
    so: 'nothing was changed',
    try: ['correct what is named above and send it again', 'all fields are in /openapi.json'],
  };
}

function describe(issue: Issue, place: Place): readonly string[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(place.schema, issue.path, place.data);
    return issue.keys.map(
      (key) => `${pathText([...issue.path, key], place)} ${unknown(key, known)}`,
    );
  }
  const given = valueAt(place.data, issue.path);
  const path = pathText(issue.path, place);
  if (given === undefined) return [`${path} is missing, it ${allowed(issue, place)}`];
  return [`${path} ${allowed(issue, place)}${givenText(issue.path, given)}`];
}

function unknown(key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known);
  if (nearest !== null) return `is not known, did you mean ${nearest}?`;
  if (known.length === 0) return 'is not known, nothing is allowed here';
  return `is not known, allowed are ${known.join(', ')}`;
}

function allowed(issue: Issue, place: Place): string {
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_value':
    case 'invalid_union':
      return `must be ${allowedHere(issue, place)}`;
    case 'too_small':
      return `must ${amount(issue.origin, 'at least', issue.minimum)}`;
    case 'too_big':
      return `must ${amount(issue.origin, 'at most', issue.maximum)}`;
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
    case 'unrecognized_keys':
      // Messages of our own schemas begin with "must be".
      return issue.message;
  }
  return issue satisfies never;
}

function amount(origin: string, bound: string, value: number | bigint): string {
  if (origin === 'string')
    return `have ${bound} ${value} ${value === 1 ? 'character' : 'characters'}`;
  if (origin === 'array') return `have ${bound} ${value} ${value === 1 ? 'entry' : 'entries'}`;
  return `be ${bound} ${value}`;
}

/** From the schema, because an issue of a union says nothing and one of an optional value too little. */
function allowedHere(issue: Issue, place: Place): string {
  const nodes = schemasAt(place.schema, issue.path, place.data);
  const values = nodes.flatMap(
    (node) => node.enum ?? (node.const === undefined ? [] : [node.const]),
  );
  const types = nodes
    .filter((node) => node.enum === undefined && node.const === undefined)
    .flatMap((node) => node.type ?? [])
    .map((type) => typeNames[type] ?? type);
  const all = [...new Set([...values.map(String), ...types])];
  if (all.length === 0) return 'of the documented form';
  return values.length > 0 ? oneOf(all) : all.join(' or ');
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

const oneOf = (values: readonly unknown[]): string =>
  `${values.length > 1 ? 'one of ' : ''}${values.map(String).join(', ')}`;

function pathText(path: readonly PropertyKey[], place: Place): string {
  const text = path
    .map((segment) => (typeof segment === 'number' ? `[${segment}]` : `.${String(segment)}`))
    .join('')
    .replace(/^\./, '');
  if (text === '') return place.part === 'body' ? 'the body' : `the ${place.part}`;
  return place.part === 'body' ? text : `${place.part} ${text}`;
}

const valueAt = (data: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(childValue, data);

function givenText(path: readonly PropertyKey[], given: unknown): string {
  if (path.some((segment) => secretPath.test(String(segment)))) return '';
  if (typeof given === 'object' && given !== null) {
    return Array.isArray(given) ? ', given a list' : ', given an object';
  }
  const text = JSON.stringify(given) ?? String(given);
  return `, given ${text.length > maxGiven ? `${text.slice(0, maxGiven)}...` : text}`;
}
