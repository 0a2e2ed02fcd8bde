import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { sameJson } from './same-json.ts';

/** Few different values, so that two of them are often alike. */
const json = fc.jsonValue({ maxDepth: 3 });
const small = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, 0, 1, '', 'a'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b'), tie('value')),
  ),
})).value;

/** JSON with the fields of every object in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

test('values are the same when their JSON is', () => {
  fc.assert(
    fc.property(small, small, (a, b) => {
      expect(sameJson(a, b)).toBe(canonical(a) === canonical(b));
    }),
    { numRuns: 1000 },
  );
});

test('a copy is the same', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(sameJson(value, structuredClone(value))).toBe(true);
    }),
  );
});
