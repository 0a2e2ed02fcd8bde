import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { crdFile } from './definition.ts';
import { kinds } from './kinds.ts';
import { structuralSchema } from './structural.ts';

const directory = fileURLToPath(new URL('../../../deploy/crds', import.meta.url));

describe('the files in deploy/crds', () => {
  test.each(kinds.map((kind) => [kind.kind, crdFile(kind)] as const))(
    '%s is as its schemas make it: npm run crds',
    (_, { name, text }) => {
      expect(readFileSync(join(directory, name), 'utf8')).toBe(text);
    },
  );

  test('are all of a kind that there is', () => {
    const made = kinds.map((kind) => crdFile(kind).name);
    expect(readdirSync(directory).filter((name) => name.endsWith('.yaml'))).toEqual(made.sort());
  });
});

test('deploy/kustomize brings all of them', () => {
  const file = new URL('../../../deploy/kustomize/kustomization.yaml', import.meta.url);
  const text = readFileSync(file, 'utf8');
  for (const kind of kinds) expect(text).toContain(`- ../crds/${crdFile(kind).name}\n`);
});

describe('a structural schema', () => {
  test('has bounds that the schema does not need to say where a text has a form', () => {
    expect(structuralSchema(z.string().regex(/^a+$/))).toEqual({
      type: 'string',
      pattern: '^a+$',
      maxLength: 1024,
    });
  });

  test.each([
    ['a text without a bound', z.strictObject({ a: z.string() }), '.a is a text without a bound'],
    ['a list without a bound', z.array(z.boolean()), 'is a list without a bound'],
    ['a union', z.strictObject({ a: z.union([z.string(), z.int()]) }), 'may be of several forms'],
    ['anything at all', z.unknown(), 'has no one type'],
  ])('is refused for %s', (_, schema, message) => {
    expect(() => structuralSchema(schema)).toThrow(message);
  });

  test('never says what Kubernetes has no word for', () => {
    const forbidden = /\$ref|additionalProperties|anyOf|oneOf|const:/;
    for (const kind of kinds) expect(crdFile(kind).text).not.toMatch(forbidden);
  });
});
