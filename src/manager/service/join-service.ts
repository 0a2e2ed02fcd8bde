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
import { joinTokenKey } from '../keys.ts';
import type { Leader } from '../leader.ts';

/** What the store keeps of a join token: never the secret. */
interface StoredToken {
  readonly hash: string;
  readonly node: string | null;
  /** Wall clock, ISO; tokens are for people, so people's time serves. */
  readonly expiresAt: string;
}

export interface JoinServiceOptions {
  readonly env: Env;
  readonly store: Store;
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

  async createToken(
    leader: Leader,
    body: CreateToken,
    dryRun: boolean,
  ): Promise<Outcome<TokenCreated>> {
    const { env, authority } = this.#options;
    const token = makeJoinToken(derOfPem(authority.certificatePem));
    const expiresAt = isoAfter(env.clock.wallIso(), body.ttlMs);
    const stored: StoredToken = { hash: hashJoinSecret(token.secret), node: body.node, expiresAt };
    const written = await leader.mutate(() => ok(null), {
      dryRun,
      extra: { puts: [{ key: joinTokenKey(token.id), value: JSON.stringify(stored) }] },
    });
    return written.kind === 'problem' ? written : ok({ token: formatJoinToken(token), expiresAt });
  }

  async join(leader: Leader, body: Join): Promise<Outcome<Joined>> {
    const allowed = await this.#checkToken(body);
    if (allowed.kind === 'problem') return allowed;
    const key = allowed.value;
    if (this.#inUse.has(key)) {
      return problem(refused('E_TOKEN_INVALID', body.node, 'the token is being used'));
    }
    this.#inUse.add(key);
    try {
      return await this.#enrol(leader, body, key);
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
      { extra: { deletes: [key] } },
    );
    if (enrolled.kind === 'problem') return enrolled;
    return ok({
      clusterId,
      certificate: issued.value.certificatePem,
      certificateAuthority: authority.certificatePem,
      managers: [...managers],
    });
  }

  /** The store key of the token, when it is good for this node now. */
  async #checkToken(body: Join): Promise<Outcome<string>> {
    const parsed = parseJoinToken(body.token);
    if (parsed.kind === 'problem') return parsed;
    const key = joinTokenKey(parsed.value.id);
    const { item } = await this.#options.store.get(key);
    const stored = item === null ? null : (JSON.parse(item.value) as StoredToken);
    if (stored === null || !isJoinSecret(parsed.value.secret, stored.hash)) {
      return problem(
        refused('E_TOKEN_INVALID', body.node, 'the token is unknown, or was used before'),
      );
    }
    if (isoDifferenceMs(this.#options.env.clock.wallIso(), stored.expiresAt) < 0) {
      return problem(
        refused('E_TOKEN_EXPIRED', body.node, `the token expired at ${stored.expiresAt}`),
      );
    }
    if (stored.node !== null && stored.node !== body.node) {
      return problem(refused('E_TOKEN_INVALID', body.node, `the token is for ${stored.node}`));
    }
    return ok(key);
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
