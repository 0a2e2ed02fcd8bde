import type { CreateToken, Join, Joined, TokenCreated } from '../../api/schema/requests.ts';
import { nodeId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome, type Problem } from '../../core/problem.ts';
import { enrolNode } from '../../core/request/node.ts';
import type { Env } from '../../env/env.ts';
import { isoAfter, isoDifferenceMs } from '../../env/iso-time.ts';
import {
  formatJoinToken,
  hashJoinSecret,
  isJoinSecret,
  makeJoinToken,
  parseJoinToken,
} from '../../pki/join-token.ts';
import { issueFromRequest } from '../../pki/leaf.ts';
import type { CertificateAuthority } from '../../pki/credentials.ts';
import { derOfPem } from '../../pki/pem.ts';
import type { Store } from '../../store/store.ts';
import { joinTokenKey, keys } from '../keys.ts';
import type { Leader } from '../leader.ts';
import type { SessionHub } from '../session-hub.ts';

/** What the store keeps of a join token: never the secret. */
interface StoredToken {
  readonly hash: string;
  readonly node: string | null;
  /** Wall clock, ISO; tokens are for people, so people's time serves. */
  readonly expiresAt: string;
}

/** Expired tokens let go with one write, at the most. */
const expiredPerWrite = 100;

interface JoinServiceOptions {
  readonly env: Env;
  readonly store: Store;
  readonly hub: SessionHub;
  readonly clusterId: string;
  readonly authority: CertificateAuthority;
  /** Session addresses that a joining agent is told, `host:port`. */
  readonly managers: readonly string[];
}

/** How a node gets its certificate: a single-use, expiring token stands in for one. */
export class JoinService {
  readonly #options: JoinServiceOptions;
  /** Tokens of joins under way: two at once with one token are one too many. */
  readonly #inUse = new Set<string>();

  constructor(options: JoinServiceOptions) {
    this.#options = options;
  }

  /** A token whose secret is told here and kept nowhere; expired ones are let go meanwhile. */
  async createToken(
    leader: Leader,
    body: CreateToken,
    dryRun: boolean,
  ): Promise<Outcome<TokenCreated>> {
    const { env, authority } = this.#options;
    const token = makeJoinToken(derOfPem(authority.certificatePem));
    const nowIso = env.clock.wallIso();
    const expiresAt = isoAfter(nowIso, body.ttlMs);
    const deletes = await this.#expired(nowIso);
    const stored: StoredToken = { hash: hashJoinSecret(token.secret), node: body.node, expiresAt };
    const written = await leader.mutate(() => ok(null), {
      dryRun,
      extra: () => ({
        puts: [{ key: joinTokenKey(token.id), value: JSON.stringify(stored) }],
        deletes,
      }),
    });
    return written.kind === 'problem' ? written : ok({ token: formatJoinToken(token), expiresAt });
  }

  /** Tokens that nobody can use any more; they are let go with the next one that is made. */
  async #expired(nowIso: string): Promise<readonly string[]> {
    const { items } = await this.#options.store.list(keys.joinTokens);
    return items
      .filter(({ value }) => {
        const { expiresAt } = JSON.parse(value) as StoredToken;
        return isoDifferenceMs(nowIso, expiresAt) < 0;
      })
      .slice(0, expiredPerWrite)
      .map((item) => item.key);
  }

  /** Issues the certificate of a node; E_TOKEN_*, E_MACHINE_MISMATCH or E_CERTIFICATE otherwise. */
  async join(leader: Leader, body: Join): Promise<Outcome<Joined>> {
    const parsed = parseJoinToken(body.token);
    if (parsed.kind === 'problem') return parsed;
    const key = joinTokenKey(parsed.value.id);
    if (this.#inUse.has(key)) {
      return problem(refused('E_TOKEN_INVALID', body.node, 'the token is being used'));
    }
    // Before the token is looked at: whoever looked while another join used it would still see it.
    this.#inUse.add(key);
    try {
      const refusal = await this.#refusal(key, parsed.value.secret, body.node);
      return refusal === null ? await this.#enrol(leader, body, key) : problem(refusal);
    } finally {
      this.#inUse.delete(key);
    }
  }

  async #enrol(leader: Leader, body: Join, key: string): Promise<Outcome<Joined>> {
    const { env, clusterId, authority, managers } = this.#options;
    const issued = await issueFromRequest(authority, body.certificateRequest, {
      clusterId,
      role: 'agent',
      name: body.node,
      nowIso: env.clock.wallIso(),
    });
    if (issued.kind === 'problem') return issued;
    // The token goes with the same write that enrols the node: it cannot be used twice.
    const enrolled = await leader.mutate(
      (draft) =>
        enrolNode(draft, {
          id: nodeId(body.node),
          machineId: body.machineId,
          address: body.address,
          certificateFingerprint: issued.value.fingerprint,
        }),
      { extra: () => ({ deletes: [key] }) },
    );
    if (enrolled.kind === 'problem') return enrolled;
    // Whoever still speaks with the certificate before this one need not be the node any more.
    this.#options.hub.disconnect(enrolled.value.id, 'this certificate was replaced');
    return ok({
      clusterId,
      certificate: issued.value.certificatePem,
      certificateAuthority: authority.certificatePem,
      managers: [...managers],
    });
  }

  /** Why the token is not good for this node now; null = it is. */
  async #refusal(key: string, secret: string, node: string): Promise<Problem | null> {
    const { store, env } = this.#options;
    const { item } = await store.get(key);
    const stored = item === null ? null : (JSON.parse(item.value) as StoredToken);
    if (stored === null || !isJoinSecret(secret, stored.hash)) {
      return refused('E_TOKEN_INVALID', node, 'the token is unknown, or was used before');
    }
    if (isoDifferenceMs(env.clock.wallIso(), stored.expiresAt) < 0) {
      return refused('E_TOKEN_EXPIRED', node, `the token expired at ${stored.expiresAt}`);
    }
    if (stored.node !== null && stored.node !== node) {
      return refused('E_TOKEN_INVALID', node, `the token is for ${stored.node}`);
    }
    return null;
  }
}

function refused(code: Problem['code'], node: string, because: string): Problem {
  return {
    code,
    what: `${node} may not join`,
    because,
    so: 'no certificate was issued',
    try: [`kennel node token --node ${node}, on a machine with the admin configuration`],
  };
}
