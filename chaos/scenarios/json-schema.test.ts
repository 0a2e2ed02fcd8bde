import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { scenarioJsonSchema } from './json-schema.ts';
import { sampleFile } from './testing/sample.ts';

const directory = new URL('./kennel/', import.meta.url);
const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(scenarioJsonSchema())) as never);

test.each(readdirSync(directory))('%s is of the form that the schema describes', (file) => {
  const parsed: unknown = JSON.parse(readFileSync(new URL(file, directory), 'utf8'));
  expect(schema.safeParse(parsed).error?.issues).toBeUndefined();
});

test.each([
  ['an unknown field', { oddity: 1 }],
  ['an unknown action', { timeline: [{ t_seconds: 1, action: 'node.explode', node: 'a' }] }],
  [
    'an unknown field of an action',
    { timeline: [{ t_seconds: 1, action: 'node.isolate', node: 'a', hard: true }] },
  ],
  [
    'an unknown action of x-kennel',
    { 'x-kennel': { timeline: [{ t_seconds: 1, action: 'bmc.explode', node: 'a' }] } },
  ],
])('the schema refuses %s', (_, patch) => {
  expect(schema.safeParse(sampleFile(patch)).success).toBe(false);
});
