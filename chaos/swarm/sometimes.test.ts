import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { recognisedBy } from './sometimes.ts';

const root = new URL('../../', import.meta.url).pathname;

test('what states are recognised by is said by some code', () => {
  const files = globSync('{src,agent,chaos/sim}/**/*.ts', { cwd: root });
  const code = files.map((file) => readFileSync(`${root}${file}`, 'utf8')).join('\n');
  expect(recognisedBy.filter((text) => !code.includes(text))).toEqual([]);
});
