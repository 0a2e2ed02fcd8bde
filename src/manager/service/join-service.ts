import type { Caller } from '../../api/cluster-service.ts';
import type { CreateToken, Join, Joined, TokenCreated } from '../../api/schema/requests.ts';
import { nodeId } from '../../core/model/ids.ts';
import { ok, type Outcome } from '../../core/problem.ts';
import { enrolNode } from '../../core/request/node.ts';
import type { Env } from '../../env/env.ts';
import { issueFromRequest } from '../../pki/leaf.ts';
import type { CertificateAuthority } from '../../pki/credentials.ts';
import type { Leader } from '../leader.ts';
import type { SessionHub } from '../session-hub.ts';
import type { JoinTokens, UsedToken } from './join-tokens.ts';

interface JoinServiceOptions {
  readonly env: Env;
  readonly hub: SessionHub;
  readonly clusterId: string;
  readonly authority: CertificateAuthority;
  readonly tokens: JoinTokens;
}

/** How a node gets its certificate: a single-use, expiring token stands in for one. */
export class JoinService {
  readonly #options: JoinServiceOptions;

  constructor(options: JoinServiceOptions) {
    this.#options = options;
  }

  createToken(leader: Leader, body: CreateToken, caller: Caller): Promise<Outcome<TokenCreated>> {
    const { ttlMs, node } = body;
    const purpose = { role: 'agent', name: node, replaces: null, isWitness: false } as const;
    return this.#options.tokens.create(leader, purpose, { ttlMs, caller });
  }

  /** Issues the certificate of a node; E_TOKEN_*, E_MACHINE_MISMATCH or E_CERTIFICATE otherwise. */
  join(leader: Leader, body: Join): Promise<Outcome<Joined>> {
    const by = {
      role: 'agent',
      name: body.node,
      certificateRequest: body.certificateRequest,
    } as const;
    return this.#options.tokens.use(body.token, by, {
      recorded: () => leader.mirror.nodes.get(nodeId(body.node))?.certificateFingerprint ?? null,
      join: (token) => this.#enrol(leader, body, token),
      again: (certificatePem) => this.#joined(leader, certificatePem),
    });
  }

  #joined(leader: Leader, certificate: string): Outcome<Joined> {
    return ok({
      clusterId: this.#options.clusterId,
      certificate,
      certificateAuthority: this.#options.authority.certificatePem,
      managers: [...leader.mirror.managers.values()].map((manager) => manager.sessions),
    });
  }

  async #enrol(leader: Leader, body: Join, token: UsedToken): Promise<Outcome<Joined>> {
    const { env, clusterId, authority } = this.#options;
    const issued = await issueFromRequest(authority, body.certificateRequest, {
      clusterId,
      role: 'agent',
      name: body.node,
      nowIso: env.clock.wallIso(),
    });
    if (issued.kind === 'problem') return issued;
    // The token is spent by the same write that enrols the node: it lets nobody else in.
    const enrolled = await leader.mutate(
      (draft) =>
        enrolNode(draft, {
          id: nodeId(body.node),
          machineId: body.machineId,
          address: body.address,
          certificateFingerprint: issued.value.fingerprint,
        }),
      { extra: () => token.spend(issued.value.certificatePem) },
    );
    if (enrolled.kind === 'problem') return enrolled;
    // Whoever still speaks with the certificate before this one need not be the node any more.
    this.#options.hub.disconnect(enrolled.value.id, 'this certificate was replaced');
    return this.#joined(leader, issued.value.certificatePem);
  }
}
