import { stoppedLeading } from '../problems.ts';
import type { Caller } from '../../api/cluster-service.ts';
import { parseHostPort } from '../../api/schema/host-port.ts';
import type {
  CreateManagerToken,
  Handover,
  JoinManager,
  ManagerJoined,
  ManagerRebuilt,
  ManagersView,
  ManagerView,
  StoreAccess,
} from '../../api/schema/managers.ts';
import type { TokenCreated } from '../../api/schema/requests.ts';
import { managerId, type ManagerId } from '../../core/model/ids.ts';
import type { ManagerRecord } from '../../core/model/manager.ts';
import type { DetectionProfile } from '../../core/model/settings.ts';
import { ok, problem, type Outcome, type Problem } from '../../core/problem.ts';
import {
  enrolManager,
  promoteManager,
  removalRefusal,
  renumberManager,
  removeManager,
} from '../../core/request/manager.ts';
import type { Env } from '../../env/env.ts';
import type { PeerIdentity } from '../../env/network.ts';
import { alternativeNamesOf } from '../../pki/alternative-names.ts';
import type { ClusterKeys } from '../../pki/cluster-keys.ts';
import type { CertificateAuthority } from '../../pki/credentials.ts';
import { issueFromRequest } from '../../pki/leaf.ts';
import { encodeBackup } from '../../store/backup/backup-file.ts';
import { readContent } from '../../store/backup/content.ts';
import type { Membership, MembershipOutcome } from '../../store/membership.ts';
import type { Store } from '../../store/store.ts';
import { keys } from '../keys.ts';
import type { Leader } from '../leader.ts';
import type { Mirror } from '../mirror.ts';
import { isReachable, type KnownLeader, type Peers } from '../peers.ts';
import { asked } from './asked.ts';
import type { JoinTokens, UsedToken } from './join-tokens.ts';

interface RegistryServiceOptions {
  readonly env: Env;
  readonly store: Store;
  readonly name: string;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly profile: DetectionProfile;
  readonly authority: CertificateAuthority;
  readonly keys: ClusterKeys;
  readonly tokens: JoinTokens;
  readonly peers: Peers;
  readonly membership: Membership;
  /** What a new manager needs to reach the store; a problem where no second one can. */
  storeAccess(): Promise<Outcome<StoreAccess>>;
}

/** How managers join and leave, and what people see of them. */
export class RegistryService {
  readonly #options: RegistryServiceOptions;

  constructor(options: RegistryServiceOptions) {
    this.#options = options;
  }

  /** Refused at once where the store would not take a second manager. */
  async createToken(
    leader: Leader,
    body: CreateManagerToken,
    caller: Caller,
  ): Promise<Outcome<TokenCreated>> {
    const access = await this.#options.storeAccess();
    if (access.kind === 'problem') return access;
    const { name, replaces, ttlMs } = body;
    const replaced = replaces === null ? null : leader.mirror.managers.get(managerId(replaces));
    if (replaces !== null && replaced === undefined) return problem(unknownManager(replaces));
    const isWitness = replaced?.isWitness ?? body.isWitness;
    if (isWitness && !this.#options.membership.managersVote) return noWitness();
    return this.#options.tokens.create(
      leader,
      { role: 'manager', name, replaces, isWitness },
      { ttlMs, caller },
    );
  }

  /** Issues the certificate of a manager. What it needs besides is told to that certificate alone. */
  join(leader: Leader, body: JoinManager): Promise<Outcome<ManagerJoined>> {
    const by = {
      role: 'manager',
      name: body.name,
      certificateRequest: body.certificateRequest,
    } as const;
    const recorded = (): ManagerRecord | undefined =>
      leader.mirror.managers.get(managerId(body.name));
    return this.#options.tokens.use(body.token, by, {
      recorded: () => recorded()?.certificateFingerprint ?? null,
      join: (token) => this.#enrol(leader, body, token),
      again: (certificatePem) => {
        const known = recorded();
        return known === undefined
          ? problem(unknownManager(body.name))
          : this.#joined(known, certificatePem);
      },
    });
  }

  #joined({ number, isWitness }: ManagerRecord, certificate: string): Outcome<ManagerJoined> {
    const { clusterId, clusterName, profile, authority } = this.#options;
    const certificateAuthority = authority.certificatePem;
    return ok({
      clusterId,
      clusterName,
      profile,
      number,
      isWitness,
      certificate,
      certificateAuthority,
    });
  }

  async #enrol(
    leader: Leader,
    body: JoinManager,
    token: UsedToken,
  ): Promise<Outcome<ManagerJoined>> {
    const { env, clusterId, authority, membership } = this.#options;
    const nowIso = env.clock.wallIso();
    const issued = await issueFromRequest(authority, body.certificateRequest, {
      clusterId,
      role: 'manager',
      name: body.name,
      nowIso,
      ...alternativeNamesOf(hostsOf(body)),
    });
    if (issued.kind === 'problem') return issued;
    const id = managerId(body.name);
    const refusal = token.replaces === body.name ? this.#neededNow(leader, id) : null;
    if (refusal !== null) return notRebuilt(id, refusal);
    const enrolled = await leader.mutate(
      (draft) => {
        const made = enrolManager(draft, {
          id,
          api: body.api,
          sessions: body.sessions,
          certificateFingerprint: issued.value.fingerprint,
          role: membership.managersVote ? 'learner' : 'voter',
          isWitness: token.isWitness,
          replaces: token.replaces === null ? null : managerId(token.replaces),
          joinedAt: nowIso,
        });
        // Where managers do not vote there is no log to catch up with.
        const counts = !membership.managersVote && token.replaces !== null;
        return made.kind === 'ok' && counts ? promoteManager(draft, id) : made;
      },
      { extra: () => token.spend(issued.value.certificatePem) },
    );
    if (enrolled.kind === 'problem') return enrolled;
    return this.#joined(enrolled.value, issued.value.certificatePem);
  }

  /**
   * The secrets that every manager holds. `to` is a manager by its certificate, and must be the one
   * that the records have: a certificate that was replaced, or of a manager removed, gets nothing.
   */
  async handover(leader: Leader, to: PeerIdentity): Promise<Outcome<Handover>> {
    const { authority, keys: clusterKeys } = this.#options;
    const recorded = leader.mirror.managers.get(managerId(to.name));
    if (recorded?.certificateFingerprint !== to.fingerprint || !(await leader.confirm())) {
      return problem({
        code: 'E_FORBIDDEN',
        what: `${to.name} is not given the keys of the cluster`,
        because: 'its certificate is not the one that is recorded for a manager of that name',
        so: 'nothing was told',
        try: ['kennel manager ls', 'join again with a fresh token: kennel manager join'],
      });
    }
    const store = await this.#options.storeAccess();
    if (store.kind === 'problem') return store;
    const secrets = {
      authorityKey: authority.keyPem,
      clusterKeys: clusterKeys.map((key) => ({ ...key })),
    };
    return ok({
      secrets: recorded.isWitness ? null : secrets,
      store: store.value,
      managers: [...leader.mirror.managers.values()].map(({ number, id, api, sessions }) => ({
        number,
        name: id,
        api,
        sessions,
      })),
    });
  }

  /**
   * A manager whose part of the store is damaged gets a new number (FAILURES M6). The certificate says
   * who asks; the old number has no record any more, so that the membership keeper takes its vote away.
   */
  async rebuild(leader: Leader, by: PeerIdentity): Promise<Outcome<ManagerRebuilt>> {
    const id = managerId(by.name);
    if (!this.#options.membership.managersVote)
      return notRebuilt(id, 'its store is not on its disk');
    const refusal = this.#neededNow(leader, id);
    if (refusal !== null) return notRebuilt(id, refusal);
    const asking = { id, certificateFingerprint: by.fingerprint };
    const made = await leader.mutate((draft) => renumberManager(draft, asking));
    return made.kind === 'problem' ? made : ok({ number: made.value.number });
  }

  /** Why the store cannot let go of what a manager was until now; null = it can. */
  #neededNow(leader: Leader, id: ManagerId): string | null {
    const { membership, peers } = this.#options;
    const known = leader.mirror.managers.get(id);
    if (known === undefined) return null;
    const view = { reachable: peers.reachable(), managersVote: membership.managersVote };
    return removalRefusal([...leader.mirror.managers.values()], known, view);
  }

  /** Forgets a manager (FAILURES O13). The store lets go of it first: repeating that does no harm. */
  async remove(leader: Leader, name: string, caller: Caller): Promise<Outcome<ManagerView>> {
    const { membership, peers } = this.#options;
    const id = managerId(name);
    const view = { reachable: peers.reachable(), managersVote: membership.managersVote };
    const manager = leader.mirror.managers.get(id);
    if (manager === undefined) return problem(unknownManager(name));
    const shown = this.#view(manager, leader.mirror, null);
    const refusal = removalRefusal([...leader.mirror.managers.values()], manager, view);
    if (refusal === null && !caller.dryRun) {
      const gone = await membership.remove(manager.number);
      if (gone.kind !== 'done') {
        // A leader lets another one lead before it goes, and that one is asked next.
        return leader.isLeading() ? notRemoved(name, gone) : problem(stoppedLeading());
      }
    }
    const removed = await leader.mutate((draft) => removeManager(draft, id, view), {
      ...asked(caller),
    });
    return removed.kind === 'problem' ? removed : ok(shown);
  }

  /** Rejects with `StoreUnavailable`. */
  async backup(): Promise<string> {
    const { env, store, clusterId, clusterName } = this.#options;
    const content = await readContent(store);
    const about = { clusterId, clusterName, madeAt: env.clock.wallIso() };
    return encodeBackup({ ...about, driver: store.status().driver }, content);
  }

  view(mirror: Mirror, leader: KnownLeader | null): ManagersView {
    const { driver, hasQuorum, term, readOnly, syncMs, members } = this.#options.store.status();
    return {
      leader: leader?.name ?? null,
      epoch: leader?.epoch ?? 0,
      managers: this.managers(mirror, leader),
      store: {
        driver,
        hasQuorum,
        ...(term === undefined ? {} : { term }),
        readOnly,
        syncMs,
        members: members.map((member) => ({ ...member })),
      },
    };
  }

  managers(mirror: Mirror, leader: KnownLeader | null): ManagerView[] {
    return [...mirror.managers.values()]
      .sort((a, b) => a.number - b.number)
      .map((manager) => this.#view(manager, mirror, leader));
  }

  #view(manager: ManagerRecord, mirror: Mirror, leader: KnownLeader | null): ManagerView {
    const { name, peers } = this.#options;
    const { id, number, api, sessions, joinedAt } = manager;
    const role: ManagerView['role'] =
      manager.role === 'voter' && manager.isWitness ? 'witness' : manager.role;
    const base = { name: id, number, role, api, sessions, joinedAt, leads: leader?.name === id };
    if (id === managerId(name)) return { ...base, healthy: true, lastSeenMs: 0, behind: 0 };
    const sight = peers.sight(id);
    return {
      ...base,
      healthy: isReachable(sight),
      lastSeenMs: sight?.ageMs ?? null,
      behind: sight === null ? null : Math.max(0, mirror.revisionOf(keys.barrier) - sight.revision),
    };
  }
}

/** For tools that check host names; agents and managers go by the identity alone. */
function hostsOf({ api, sessions }: JoinManager): readonly string[] {
  return [api, sessions].flatMap((text) => {
    const parsed = parseHostPort(text);
    return parsed.kind === 'ok' ? [parsed.host] : [];
  });
}

function notRemoved(
  name: string,
  outcome: Exclude<MembershipOutcome, { kind: 'done' }>,
): Outcome<never> {
  const isRefused = outcome.kind === 'refused';
  return problem({
    code: isRefused ? 'E_CONFLICT' : 'E_AMBIGUOUS',
    what: `${name} is not removed`,
    because: isRefused ? outcome.because : outcome.detail,
    so: isRefused ? 'nothing was changed' : 'the store may or may not have let go of it',
    try: ['kennel manager ls', `kennel manager remove ${name}, which may be repeated`],
  });
}

function notRebuilt(name: string, because: string): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: `${name} does not begin again`,
    because,
    so: 'nothing was changed',
    try: ['kennel manager ls', 'repeat it once the other managers answer'],
  });
}

function noWitness(): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: 'this cluster takes no witness',
    because: 'its managers do not vote: the store has servers of its own',
    so: 'nothing was changed',
    try: ['kennel manager token, for a manager that can lead'],
  });
}

function unknownManager(name: string): Problem {
  return {
    code: 'E_NOT_FOUND',
    what: `there is no manager ${name}`,
    because: 'no manager of that name has joined',
    so: 'nothing was done',
    try: ['kennel manager ls'],
  };
}
