import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeClusterKey, SecretBox, SecretUnreadable, type ClusterKeys } from './cluster-keys.ts';

const boxOf = (...keys: ClusterKeys): SecretBox => new SecretBox(keys, randomUUID);

/** The words with which a text was not opened; null when it was. */
function refusalOf(open: () => string): string | null {
  try {
    open();
    return null;
  } catch (error) {
    return error instanceof SecretUnreadable ? error.message : null;
  }
}

test('what is sealed opens again, under its own store key and no other', () => {
  const box = boxOf(makeClusterKey());
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (text, place, other) => {
      const sealed = box.seal(place, text);
      expect(box.open(place, sealed)).toBe(text);
      expect(other === place || refusalOf(() => box.open(other, sealed)) !== null).toBe(true);
    }),
  );
});

test('the text cannot be found in what is stored, and the same text never looks the same', () => {
  const box = boxOf(makeClusterKey());
  const [one, two] = [
    box.seal('k', 'correct horse battery'),
    box.seal('k', 'correct horse battery'),
  ];
  expect(one).not.toBe(two);
  for (const form of ['utf8', 'base64', 'base64url', 'hex'] as const) {
    expect(one).not.toContain(Buffer.from('correct horse battery').toString(form).slice(0, 12));
  }
});

test('any changed character makes it unreadable, and no error repeats text or key', () => {
  const key = makeClusterKey();
  const box = boxOf(key);
  const sealed = box.seal('secret/node-1/bmc', 'hunter2hunter2');
  fc.assert(
    fc.property(
      fc.nat({ max: sealed.length - 2 }),
      fc.constantFrom('A', 'z', '0', '.'),
      (at, put) => {
        // The last character of base64 may carry bits that nobody reads.
        if (sealed[at] === put) return;
        const changed = sealed.slice(0, at) + put + sealed.slice(at + 1);
        const refusal = refusalOf(() => box.open('secret/node-1/bmc', changed)) ?? '';
        expect(refusal).toContain('cannot be opened');
        expect(refusal).not.toMatch(/hunter2/);
        expect(refusal).not.toContain(key.key);
      },
    ),
  );
});

test('after a rotation the old values still open, new ones are under the new key', () => {
  const [old, fresh] = [makeClusterKey(), makeClusterKey()];
  const before = boxOf(old).seal('k', 'text');
  const box = boxOf(fresh, old);
  expect(box.open('k', before)).toBe('text');
  expect(box.isStale(before)).toBe(true);
  const after = box.seal('k', 'text');
  expect(box.isStale(after)).toBe(false);
  expect(() => boxOf(old).open('k', after)).toThrow(`no key ${fresh.id} is here`);
});
