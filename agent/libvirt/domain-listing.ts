import type { VmId } from '../../src/core/model/ids.ts';
import { vmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { HypervisorDomain, HypervisorResult } from '../hypervisor.ts';
import type { LibvirtClient } from './client.ts';
import type { DomainRef } from './domain-ref.ts';
import { uuidText } from './domain-ref.ts';
import { describeState } from './domain-state.ts';
import { libvirtError } from './errors.ts';
import { affect, listTransient, metadataElement, statsState } from './flags.ts';
import { callFailure } from './hypervisor-result.ts';
import type { LibvirtEnv } from './libvirt-env.ts';
import { PermitCache } from './permit-cache.ts';
import { parsePermit, permitNamespace } from './permit-metadata.ts';
import type { DomainStats } from './procedures.ts';
import { procedures } from './procedures.ts';

/** Rounds of one listing while domains start or stop under it. */
const maxRounds = 3;

type Listed = HypervisorResult<readonly HypervisorDomain[]>;
type Failure = Exclude<HypervisorResult<never>, { readonly kind: 'ok' }>;

interface Survey {
  readonly kind: 'survey';
  readonly records: readonly DomainStats[];
  readonly transient: ReadonlySet<VmId>;
}

/**
 * Lists all domains with state and permit: two calls however many there are, plus one for each
 * permit that is not cached.
 *
 * libvirtd holds a domain's lock while it kills its QEMU (10 s when QEMU hangs), and any call over
 * all domains waits for it. So while a destroy of ours runs, that domain is told from memory, as
 * still active, and only the others are asked about.
 */
export class DomainListing {
  readonly #env: LibvirtEnv;
  readonly #client: LibvirtClient;
  readonly #readMs: number;
  readonly #permits: PermitCache;
  /** The last full listing plus what events named since; null before the first one. */
  #known: Map<VmId, DomainRef> | null = null;
  /** What events named since the last full listing was asked for. */
  #seen = new Map<VmId, DomainRef>();
  #last = new Map<VmId, HypervisorDomain>();
  #running: Promise<Listed> | null = null;
  #next: Promise<Listed> | null = null;

  constructor(env: LibvirtEnv, client: LibvirtClient, readMs: number, permitMaxAgeMs: number) {
    this.#env = env;
    this.#client = client;
    this.#readMs = readMs;
    this.#permits = new PermitCache(permitMaxAgeMs);
  }

  /** Something changed: `vm` null when it is not known where. */
  invalidate(vm: VmId | null): void {
    this.#permits.invalidate(vm);
  }

  /** An event named this domain. */
  saw(domain: DomainRef): void {
    const vm = vmId(uuidText(domain.uuid));
    this.#permits.invalidate(vm);
    this.#known?.set(vm, domain);
    this.#seen.set(vm, domain);
  }

  /** Events may have been lost: only a full listing tells what is there. */
  forget(): void {
    this.#known = null;
    this.#permits.invalidate(null);
  }

  /**
   * A listing that begins after this call. Callers who wait at the same time share one.
   * `destroying` tells the domains that are being destroyed now.
   */
  list(destroying: () => ReadonlyMap<VmId, DomainRef>): Promise<Listed> {
    if (this.#running === null) {
      this.#running = this.#rounds(destroying).finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.list(destroying);
    });
    return this.#next;
  }

  async #rounds(destroying: () => ReadonlyMap<VmId, DomainRef>): Promise<Listed> {
    for (let round = 0; round < maxRounds; round += 1) {
      const apart = destroying();
      // A destroy that began meanwhile may be why it was not answered: once more without that one.
      const overtaken = (): boolean => [...destroying().keys()].some((vm) => !apart.has(vm));
      const survey = await this.#survey(apart);
      if (survey.kind === 'ambiguous' && overtaken()) continue;
      if (survey.kind !== 'survey') return survey;
      const domains = await this.#describe(survey);
      if (domains === 'moved' || (domains.kind === 'ambiguous' && overtaken())) continue;
      if (domains.kind !== 'ok') return domains;
      const all = [...domains.value, ...this.#remembered(apart, survey)];
      this.#last = new Map(all.map((domain) => [domain.vm, domain]));
      this.#permits.retain(new Set(this.#last.keys()));
      return { kind: 'ok', value: all };
    }
    const message = `domains started or stopped during each of ${maxRounds} listings`;
    return { kind: 'failed', code: 'domainsUnsettled', message };
  }

  async #survey(destroying: ReadonlyMap<VmId, DomainRef>): Promise<Survey | Failure> {
    const known = this.#known;
    if (known !== null && destroying.size > 0) {
      const others = [...known].filter(([vm]) => !destroying.has(vm)).map(([, domain]) => domain);
      const transient = [...this.#last.values()].filter((domain) => !domain.persistent);
      const records = others.length === 0 ? [] : await this.#stats(others);
      if ('kind' in records) return records;
      return { kind: 'survey', records, transient: new Set(transient.map(({ vm }) => vm)) };
    }
    const seen = new Map<VmId, DomainRef>();
    this.#seen = seen;
    const [records, transient] = await Promise.all([
      this.#stats([]),
      this.#client.reads.call(
        procedures.listAllDomains,
        { needResults: 1, flags: listTransient },
        this.#readMs,
      ),
    ]);
    if ('kind' in records) return records;
    if (transient.kind !== 'ok') return callFailure(transient);
    const listed = records.map(({ domain }) => [vmId(uuidText(domain.uuid)), domain] as const);
    this.#known = new Map([...listed, ...seen]);
    const transientVms = transient.value.domains.map((domain) => vmId(uuidText(domain.uuid)));
    return { kind: 'survey', records, transient: new Set(transientVms) };
  }

  /** An empty list means all domains. */
  async #stats(domains: readonly DomainRef[]): Promise<readonly DomainStats[] | Failure> {
    const args = { domains, stats: statsState, flags: 0 };
    const stats = await this.#client.reads.call(procedures.allDomainStats, args, this.#readMs);
    return stats.kind === 'ok' ? stats.value.records : callFailure(stats);
  }

  async #describe(
    survey: Survey,
  ): Promise<'moved' | Failure | { kind: 'ok'; value: HypervisorDomain[] }> {
    const described = await Promise.all(
      survey.records.map(async ({ domain, parameters }) => {
        const permit = await this.#permit(domain);
        if (permit.kind !== 'permit') return permit;
        const vm = vmId(uuidText(domain.uuid));
        const number = (field: string): number => {
          const value = parameters.find((parameter) => parameter.field === field)?.value;
          return value?.type === 'int' ? value.value : 0;
        };
        return {
          kind: 'domain' as const,
          domain: {
            vm,
            name: domain.name,
            // A QEMU process exists exactly while the domain has an id, whatever the state says.
            active: domain.id >= 0,
            ...describeState(number('state.state'), number('state.reason')),
            permit: permit.permit,
            persistent: !survey.transient.has(vm),
          },
        };
      }),
    );
    const domains: HypervisorDomain[] = [];
    let moved = false;
    for (const each of described) {
      if (each.kind === 'domain') domains.push(each.domain);
      else if (each.kind === 'moved') moved = true;
      else return each;
    }
    return moved ? 'moved' : { kind: 'ok', value: domains };
  }

  async #permit(
    domain: DomainRef,
  ): Promise<{ kind: 'permit'; permit: Permit | null } | { kind: 'moved' } | Failure> {
    const vm = vmId(uuidText(domain.uuid));
    const nowMs = this.#env.clock.monotonicMs();
    const cached = this.#permits.get(vm, domain.id, nowMs);
    if (cached !== undefined) return { kind: 'permit', permit: cached };
    const mark = this.#permits.mark();
    const read = await readPermit(this.#env, this.#client, domain, this.#readMs);
    if (read.kind !== 'permit') return read;
    const entry = { domainId: domain.id, permit: read.permit, readMs: nowMs };
    this.#permits.put(vm, entry, mark);
    return read;
  }

  #remembered(
    destroying: ReadonlyMap<VmId, DomainRef>,
    survey: Survey,
  ): readonly HypervisorDomain[] {
    const surveyed = new Set(survey.records.map(({ domain }) => uuidText(domain.uuid)));
    return [...destroying]
      .filter(([vm]) => !surveyed.has(vm))
      .map(([vm, { name }]) => ({
        vm,
        name,
        active: true,
        state: 'shuttingDown',
        reason: 'destroying',
        permit: this.#last.get(vm)?.permit ?? null,
        persistent: this.#last.get(vm)?.persistent ?? true,
      }));
  }
}

/**
 * The permit in a domain's metadata, of its running half while it is active. `moved` when the
 * domain started, stopped or went away since `domain` was read. A permit that names another VM
 * (the metadata of a copied domain) is none.
 */
export async function readPermit(
  env: LibvirtEnv,
  client: LibvirtClient,
  domain: DomainRef,
  readMs: number,
): Promise<{ kind: 'permit'; permit: Permit | null } | { kind: 'moved' } | Failure> {
  const flags = domain.id >= 0 ? affect.live : affect.config;
  const args = { domain, type: metadataElement, uri: permitNamespace, flags };
  const read = await client.reads.call(procedures.getMetadata, args, readMs);
  if (read.kind === 'error') {
    const { number } = read.error;
    if (number === libvirtError.noMetadata) return { kind: 'permit', permit: null };
    if (number === libvirtError.noDomain || number === libvirtError.operationInvalid) {
      return { kind: 'moved' };
    }
  }
  if (read.kind !== 'ok') return callFailure(read);
  const permit = parsePermit(read.value.text);
  const vm = uuidText(domain.uuid);
  if (permit !== null && permit.vm === vm) return { kind: 'permit', permit };
  env.log.warn({ vm }, `permit of ${domain.name} is unreadable or names another VM`);
  return { kind: 'permit', permit: null };
}
