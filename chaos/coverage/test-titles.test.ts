import { parseSync } from 'oxc-parser';
import { expect, test } from 'vitest';
import { kindOfTests } from './test-claims.ts';
import { testTitles } from './test-titles.ts';
import type { TestTitle } from './test-titles.ts';

function titlesOf(body: string): readonly TestTitle[] {
  const text = `import { describe, it as spec, test } from 'vitest';\n${body}`;
  return testTitles(parseSync('some.test.ts', text));
}

const shown = (body: string): readonly string[] =>
  titlesOf(body).flatMap(({ title, isVoid }) => (isVoid ? [] : [title]));

test('names of tests, and of groups that hold one, are found', () => {
  const body = `
    describe('N1: a group', () => { test('one', () => {}); });
    describe.skipIf(process.platform === 'win32')('N2: some', () => { spec('two', () => {}); });
    describe('N3: nothing in it', () => {});`;
  expect(shown(body)).toEqual(['one', 'N1: a group', 'two', 'N2: some']);
});

test('a name counts once, however its values come', () => {
  const body = `
    test.each([1, 2])('N1: %i', () => {});
    test.each(cases)('N2: %i', () => {});
    test.for(cases)('N3: %i', () => {});
    test.each\`a | b\`('N4: $a', () => {});`;
  expect(shown(body)).toEqual(['N1: %i', 'N2: %i', 'N3: %i', 'N4: $a']);
});

test('of a name with values, what stands before the first is read', () => {
  expect(shown('test(`N1: with ${n} nodes`, () => {});')).toEqual(['N1: with ']);
  expect(shown('test(`${id}: a claim that nobody can read`, () => {});')).toEqual(['']);
});

test('what fails, is skipped or to be written shows nothing', () => {
  const body = `
    test.fails('N1: known', () => {});
    test.skip('N2: off', () => {});
    test.todo('N3: later');
    describe.skip('N4: off', () => { test('N5: inside', () => {}); });`;
  expect(shown(body)).toEqual([]);
  expect(titlesOf(body)).toHaveLength(5);
});

test('other functions of these names make no tests', () => {
  expect(titlesOf("test.create('N1: no'); other('N2: no'); expect(test).toBe('N3: no');")).toEqual(
    [],
  );
  const foreign = parseSync(
    'some.ts',
    "import { test } from './own.ts';\ntest('N1: no', () => {});",
  );
  expect(testTitles(foreign)).toEqual([]);
});

test('a comment or a text that looks like a test is none', () => {
  expect(titlesOf("// test('N1: no', () => {})\nconst text = \"test('N2: no')\";")).toEqual([]);
});

test('the place of a test, and whether it runs a cluster, say what it shows', () => {
  expect(kindOfTests('src/core/a.test.ts', false)).toBe('unit');
  expect(kindOfTests('src/manager/a.prop.test.ts', true)).toBe('sim');
  expect(kindOfTests('chaos/swarm/a.test.ts', true)).toBe('sim');
  expect(kindOfTests('test/lab/a.real.test.ts', false)).toBe('real');
  expect(kindOfTests('chaos/real/a.real.test.ts', true)).toBe('real');
  expect(kindOfTests('chaos/sim/channel.test.ts', false)).toBeNull();
  expect(kindOfTests('deploy/lab/lab.real.test.ts', false)).toBeNull();
});
