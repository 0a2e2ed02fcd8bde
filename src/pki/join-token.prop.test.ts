import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatJoinToken,
  hashJoinSecret,
  isJoinSecret,
  makeJoinToken,
  parseJoinToken,
} from './join-token.ts';

const der = fc.uint8Array({ minLength: 1, maxLength: 2000 });

test('a token is read back as it was made', () => {
  fc.assert(
    fc.property(der, (authority) => {
      const token = makeJoinToken(authority);
      const text = formatJoinToken(token);
      expect(text.length).toBeLessThan(512);
      expect(parseJoinToken(`${text}\n`)).toEqual({ kind: 'ok', value: token });
    }),
  );
});

test('a token that was cut or changed anywhere is not read as the one it was', () => {
  const token = makeJoinToken(Buffer.from('authority'));
  const text = formatJoinToken(token);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 1 }), (at, replacement) => {
      fc.pre(text[at] !== replacement);
      const changed = text.slice(0, at) + replacement + text.slice(at + 1);
      expect(parseJoinToken(changed)).not.toEqual({ kind: 'ok', value: token });
    }),
  );
});

test('a text that is no token is refused without being repeated', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 20 }), (tail) => {
      const text = `kjt1.${tail}`;
      const parsed = parseJoinToken(text);
      if (parsed.kind === 'ok') return;
      expect(parsed.problem.code).toBe('E_TOKEN_INVALID');
      expect(JSON.stringify(parsed.problem)).not.toContain(text);
    }),
  );
});

test('only the secret itself fits its hash', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (secret, other) => {
      expect(isJoinSecret(secret, hashJoinSecret(secret))).toBe(true);
      expect(isJoinSecret(other, hashJoinSecret(secret))).toBe(other === secret);
      expect(isJoinSecret(secret, other)).toBe(false);
    }),
  );
});

test('no two tokens share an id or a secret', () => {
  const tokens = Array.from({ length: 200 }, () => makeJoinToken(Buffer.from('authority')));
  expect(new Set(tokens.map((token) => token.id)).size).toBe(200);
  expect(new Set(tokens.map((token) => token.secret)).size).toBe(200);
});
