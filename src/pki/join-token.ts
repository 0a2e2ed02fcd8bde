import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { ok, problem, type Outcome } from '../core/problem.ts';
import { fingerprintOf } from './certificate-identity.ts';

/** The parts of `kjt1.<id>.<secret>.<sha-256 of the CA certificate's DER>`. */
export interface JoinToken {
  /** Public; the store finds the token by it. */
  readonly id: string;
  /** 256 random bits. Known only to whoever holds the token. */
  readonly secret: string;
  /** Lower-case hex. What the joining node pins before it sends anything. */
  readonly authorityFingerprint: string;
}

const form = /^kjt1\.([0-9a-f]{16})\.([A-Za-z0-9_-]{43})\.([0-9a-f]{64})$/;

/** A fresh token that pins this authority. */
export function makeJoinToken(authorityDer: Uint8Array): JoinToken {
  return {
    id: randomBytes(8).toString('hex'),
    secret: randomBytes(32).toString('base64url'),
    authorityFingerprint: fingerprintOf(authorityDer),
  };
}

export function formatJoinToken(token: JoinToken): string {
  return `kjt1.${token.id}.${token.secret}.${token.authorityFingerprint}`;
}

/** E_TOKEN_INVALID when the text is no token. The answer never repeats the text: it is a secret. */
export function parseJoinToken(text: string): Outcome<JoinToken> {
  const [, id, secret, authorityFingerprint] = form.exec(text.trim()) ?? [];
  if (id === undefined || secret === undefined || authorityFingerprint === undefined) {
    return problem({
      code: 'E_TOKEN_INVALID',
      what: 'the join token is not of the form kjt1.<id>.<secret>.<fingerprint>',
      because: 'a part is missing, cut off or has characters that no token has',
      so: 'nothing was sent',
      try: ['copy the whole line that was printed', 'make a new one: kennel node token'],
    });
  }
  return ok({ id, secret, authorityFingerprint });
}

/** What the store keeps instead of the secret. One round is enough: the secret is random. */
export function hashJoinSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** Compares in a time that does not depend on where the two differ. */
export function isJoinSecret(secret: string, storedHash: string): boolean {
  const given = Buffer.from(hashJoinSecret(secret), 'utf8');
  const stored = Buffer.from(storedHash, 'utf8');
  return given.length === stored.length && timingSafeEqual(given, stored);
}
