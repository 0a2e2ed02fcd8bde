import { createHash } from 'node:crypto';
import type { Caller } from '../../api/cluster-service.ts';
import type { TokenCreated } from '../../api/schema/requests.ts';
import { nodeId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome, type Problem } from '../../core/problem.ts';
import type { Env } from '../../env/env.ts';
import { isoAfter, isoDifferenceMs } from '../../env/iso-time.ts';
import { fingerprintOf } from '../../pki/certificate-identity.ts';
import type { CertificateAuthority } from '../../pki/credentials.ts';
import {
  formatJoinToken,
  hashJoinSecret,
  isJoinSecret,
  makeJoinToken,
  parseJoinToken,
} from '../../pki/join-token.ts';
import { derOfPem } from '../../pki/pem.ts';
import type { Store } from '../../store/store.ts';
import { joinTokenKey, keys } from '../keys.ts';
import type { Leader } from '../leader.ts';
import type { ExtraWrites } from '../leader-writer.ts';
import { asked } from './asked.ts';

/** What a token is good for. */
export interface TokenPurpose {
  readonly role: 'agent' | 'manager';
  /** The only name that may join with it; null = any. */
  readonly name: string | null;
  /** The manager that goes once the new one counts. */
  readonly replaces: string | null;
  /** Of a manager: it becomes a witness. */
  readonly isWitness: boolean;
}

/** What the store keeps of a join token: never the secret. */
interface StoredToken extends TokenPurpose {
  readonly hash: string;
  /** Wall clock, ISO; tokens are for people, so people's time serves. */
  readonly expiresAt: string;
  /** What it was used for, kept until it expires; null = not used. */
  readonly used: TokenUse | null;
}

interface TokenUse {
  /** SHA-256 of the certificate request, hexadecimal. */
  readonly requestHash: string;
  readonly certificatePem: string;
}

/** Who joins, and with which key. */
export interface Joiner {
  readonly role: TokenPurpose['role'];
  readonly name: string;
  readonly certificateRequest: string;
}

/** A token that was found good. */
export interface UsedToken extends TokenPurpose {
  /** To be part of the write that the token allows: so it lets one in, and nobody else. */
  spend(certificatePem: string): ExtraWrites;
}

/** What a join does, first and when its answer got lost. */
export interface JoinSteps<T> {
  /** Fingerprint of the certificate that is recorded for who joins; null = nobody of that name is. */
  recorded(): string | null;
  join(token: UsedToken): Promise<Outcome<T>>;
  /** Answers once more. Only who holds the key of that request can do anything with the certificate. */
  again(certificatePem: string): Outcome<T>;
}

/** Expired tokens let go with one write, at the most. */
const expiredPerWrite = 100;

/** Single-use, expiring tokens that stand in for a certificate which is not there yet. */
export class JoinTokens {
  readonly #env: Env;
  readonly #store: Store;
  readonly #authority: CertificateAuthority;
  /** Tokens of joins under way: two at once with one token are one too many. */
  readonly #inUse = new Set<string>();

  constructor(options: { env: Env; store: Store; authority: CertificateAuthority }) {
    this.#env = options.env;
    this.#store = options.store;
    this.#authority = options.authority;
  }

  /** A token whose secret is told here and kept nowhere; expired ones are let go meanwhile. */
  async create(
    leader: Leader,
    purpose: TokenPurpose,
    options: { readonly ttlMs: number; readonly caller: Caller },
  ): Promise<Outcome<TokenCreated>> {
    const token = makeJoinToken(derOfPem(this.#authority.certificatePem));
    const nowIso = this.#env.clock.wallIso();
    const expiresAt = isoAfter(nowIso, options.ttlMs);
    const deletes = await this.#expired(nowIso);
    const hash = hashJoinSecret(token.secret);
    const stored: StoredToken = { hash, ...purpose, expiresAt, used: null };
    const { role, name } = purpose;
    const written = await leader.mutate(
      (draft) => {
        draft.event({
          code: 'TOKEN_CREATED',
          severity: 'info',
          node: role === 'agent' && name !== null ? nodeId(name) : null,
          vm: null,
          text: `${name ?? (role === 'agent' ? 'any node' : 'any manager')} may join until ${expiresAt}`,
        });
        return ok(null);
      },
      {
        ...asked(options.caller),
        extra: () => ({
          puts: [{ key: joinTokenKey(token.id), value: JSON.stringify(stored) }],
          deletes,
        }),
      },
    );
    return written.kind === 'problem' ? written : ok({ token: formatJoinToken(token), expiresAt });
  }

  /** Tokens that nobody can use any more; they are let go with the next one that is made. */
  async #expired(nowIso: string): Promise<readonly string[]> {
    const { items } = await this.#store.list(keys.joinTokens);
    return items
      .filter(({ value }) => {
        const { expiresAt } = JSON.parse(value) as StoredToken;
        return isoDifferenceMs(nowIso, expiresAt) < 0;
      })
      .slice(0, expiredPerWrite)
      .map((item) => item.key);
  }

  /**
   * Runs `join` when the token is good for it; E_TOKEN_INVALID or E_TOKEN_EXPIRED otherwise. A request
   * whose answer got lost may be made again with the same token and the same key, as long as what was
   * issued then is what is recorded.
   */
  async use<T>(text: string, by: Joiner, steps: JoinSteps<T>): Promise<Outcome<T>> {
    const parsed = parseJoinToken(text);
    if (parsed.kind === 'problem') return parsed;
    const key = joinTokenKey(parsed.value.id);
    if (this.#inUse.has(key)) return refused('E_TOKEN_INVALID', by, 'the token is being used');
    // Before the token is looked at: whoever looked while another join used it would still see it.
    this.#inUse.add(key);
    try {
      const found = await this.#find(key, parsed.value.secret, by);
      if (found.kind === 'problem') return found;
      const { token, issuedPem } = found.value;
      if (issuedPem === null) return await steps.join(token);
      const isRecorded = steps.recorded() === fingerprintOf(derOfPem(issuedPem));
      return isRecorded ? steps.again(issuedPem) : usedUp(by);
    } finally {
      this.#inUse.delete(key);
    }
  }

  async #find(
    key: string,
    secret: string,
    by: Joiner,
  ): Promise<Outcome<{ readonly token: UsedToken; readonly issuedPem: string | null }>> {
    const { item } = await this.#store.get(key);
    const stored = item === null ? null : (JSON.parse(item.value) as StoredToken);
    if (stored === null || !isJoinSecret(secret, stored.hash)) return usedUp(by);
    const requestHash = hashOf(by.certificateRequest);
    if (stored.used !== null && stored.used.requestHash !== requestHash) return usedUp(by);
    if (isoDifferenceMs(this.#env.clock.wallIso(), stored.expiresAt) < 0) {
      return refused('E_TOKEN_EXPIRED', by, `the token expired at ${stored.expiresAt}`);
    }
    if (stored.role !== by.role) {
      const noun = stored.role === 'agent' ? 'a node' : 'a manager';
      return refused('E_TOKEN_INVALID', by, `the token is for ${noun}`);
    }
    if (stored.name !== null && stored.name !== by.name) {
      return refused('E_TOKEN_INVALID', by, `the token is for ${stored.name}`);
    }
    const { role, name, replaces, isWitness, used } = stored;
    const spend = (certificatePem: string): ExtraWrites => {
      const spent: StoredToken = { ...stored, used: { requestHash, certificatePem } };
      return { puts: [{ key, value: JSON.stringify(spent) }] };
    };
    const token = { role, name, replaces, isWitness, spend };
    return ok({ token, issuedPem: used?.certificatePem ?? null });
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** Nobody learns whether a token was ever good. */
function usedUp(by: Joiner): Outcome<never> {
  return refused('E_TOKEN_INVALID', by, 'the token is unknown, or was used before');
}

function refused(code: Problem['code'], by: Joiner, because: string): Outcome<never> {
  const verb =
    by.role === 'agent' ? `node token --node ${by.name}` : `manager token --name ${by.name}`;
  return problem({
    code,
    what: `${by.name} may not join`,
    because,
    so: 'no certificate was issued',
    try: [`kennel ${verb}, on a machine with the admin configuration`],
  });
}
