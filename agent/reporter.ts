import type { AgentReport, DomainReport } from '../src/api/schema/session.ts';
import type { NodeCapacity, WatchdogAttestation } from '../src/core/model/node.ts';
import type { Env, Timer } from '../src/env/env.ts';
import { DomainList, findDomain } from './domain-list.ts';
import type { Listing } from './domain-list.ts';
import type { Hypervisor, HypervisorDomain } from './hypervisor.ts';
import { sameJson } from './same-json.ts';
import type { AgentTuning } from './tuning.ts';

export interface ReporterOptions {
  readonly env: Env;
  readonly hypervisor: Hypervisor;
  readonly tuning: AgentTuning;
  /** Told instead of what the hypervisor says. */
  readonly capacity: NodeCapacity | null;
  /** Why commands that need the state file are refused now; null = they are not. */
  readonly degraded: () => string | null;
  /** What is being done about a hypervisor that does not answer; null = nothing, or it answers. */
  readonly mending: () => string | null;
  readonly leaving: () => AgentReport['leaving'];
  /** What this incarnation self-fences by; null = it holds. */
  readonly watchdog: () => WatchdogAttestation | null;
  /** Which membership this agent uses, and whether the other nodes hold it. */
  readonly peerHold: () => AgentReport['peerHold'];
  /** Told with every look, whether the hypervisor answered. */
  readonly onLook: (answers: boolean) => void;
  /** VMs whose start an earlier incarnation of this boot left under way. */
  readonly leftover: readonly string[];
  /** How the checks of a domain stand; undefined = nothing is asked of it. */
  readonly checks: (domain: HypervisorDomain) => DomainReport['checks'];
  /** Told the domains of every listing. */
  readonly onDomains: (domains: readonly HypervisorDomain[]) => void;
  readonly onReport: (report: AgentReport) => void;
}

type Content = Omit<AgentReport, 'sequence'>;

const unreachable = { hypervisor: 'unreachable', domains: null } as const;

/**
 * Says what the hypervisor says, level-triggered: everything is listed again after any hint of a
 * change and on a slow timer, and a report goes out when its content is new.
 *
 * While the hypervisor does not answer, the report says `unreachable` and has no domains at all:
 * that VMs are not seen is no sign that they are gone (FAILURES N11).
 *
 * *After an agent restart* an earlier incarnation may have died between asking for a start and its
 * effect, and the hypervisor may still be working on it. A list without that domain would be true
 * and misleading. So while the journal names such a start and its domain is not active, reports
 * stay `unreachable` until the hypervisor has answered for `settleMs`. This only keeps pictures
 * calm; it proves nothing. The manager lets a VM go on a `release` answered `done`, never on a
 * report, and a release undefines the domain, after which a late start has nothing left to boot.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #domains: DomainList;
  #listing: Listing = { kind: 'unknown', because: 'not listed yet' };
  #capacity: NodeCapacity | null = null;
  #usage: Content['usage'];
  #measure: Timer | null = null;
  #leftover: ReadonlySet<string>;
  /** When the hypervisor began to answer without a break, monotonic ms. */
  #answersSinceMs: number | null = null;
  #current: AgentReport;
  #content: Content;
  #hint: Timer | null = null;
  #slow: Timer | null = null;
  #stopped = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#domains = new DomainList(options.hypervisor, (listing) => this.#take(listing));
    this.#leftover = new Set(options.leftover);
    const content = this.#build();
    this.#current = { sequence: 0, ...content };
    this.#content = content;
  }

  get domains(): DomainList {
    return this.#domains;
  }

  current(): AgentReport {
    return this.#current;
  }

  start(): void {
    void this.#relist();
    void this.#readUsage();
  }

  stop(): void {
    this.#stopped = true;
    this.#hint?.cancel();
    this.#slow?.cancel();
    this.#measure?.cancel();
  }

  /** Something may have changed: look again soon. */
  hint(): void {
    if (!this.#options.hypervisor.connected()) this.#unanswered('not connected');
    if (this.#stopped || this.#hint !== null) return;
    this.#hint = this.#options.env.timers.after(this.#options.tuning.reportDebounceMs, () => {
      this.#hint = null;
      void this.#relist();
    });
  }

  /** Reports again when the content that is known by now differs from the last report. */
  publish(): void {
    const content = this.#build();
    if (this.#stopped || sameJson(content, this.#content)) return;
    this.#content = content;
    this.#current = { sequence: this.#current.sequence + 1, ...content };
    this.#options.onReport(this.#current);
  }

  async #relist(): Promise<void> {
    const { env, tuning } = this.#options;
    this.#slow?.cancel();
    const late = env.timers.after(tuning.listTimeoutMs, () =>
      this.#unanswered('no answer in time'),
    );
    await this.#domains.fresh();
    late.cancel();
    if (this.#stopped) return;
    this.#slow?.cancel();
    const pauseMs =
      this.#current.hypervisor === 'ok' ? tuning.relistMs : tuning.relistUnreachableMs;
    this.#slow = env.timers.after(pauseMs, () => {
      void this.#relist();
      void this.#readCapacity();
    });
    if (this.#capacity === null) await this.#readCapacity();
  }

  #unanswered(because: string): void {
    this.#take({ kind: 'unknown', because });
  }

  #take(listing: Listing): void {
    const { clock } = this.#options.env;
    if (listing.kind === 'ok') {
      this.#answersSinceMs ??= clock.monotonicMs();
      this.#settleLeftover(listing, clock.monotonicMs() - this.#answersSinceMs);
    } else {
      this.#answersSinceMs = null;
    }
    this.#listing = listing;
    if (listing.kind === 'ok') this.#options.onDomains(listing.domains);
    this.#options.onLook(listing.kind === 'ok');
    this.publish();
  }

  #settleLeftover(listing: Listing, answeredForMs: number): void {
    if (this.#leftover.size === 0) return;
    const active = [...this.#leftover].every((vm) => findDomain(listing, vm)?.active === true);
    if (active || answeredForMs >= this.#options.tuning.settleMs) this.#leftover = new Set();
  }

  async #readCapacity(): Promise<void> {
    if (this.#options.capacity !== null) return;
    const result = await this.#options.hypervisor.capacity();
    if (result.kind !== 'ok') return;
    this.#capacity = { memoryMiB: result.value.memoryMiB, vcpus: result.value.vcpus };
    this.publish();
  }

  /** Seldom, and on a timer of its own: a hypervisor that is slow to tell keeps no picture back. */
  async #readUsage(): Promise<void> {
    const { env, hypervisor, tuning } = this.#options;
    const result = hypervisor.connected() ? await hypervisor.usage() : null;
    if (this.#stopped) return;
    this.#measure = env.timers.after(tuning.usageMs, () => void this.#readUsage());
    if (result?.kind !== 'ok' || result.value.length === 0) return;
    this.#usage = result.value.map((one) => ({ ...one })).sort(byVm);
    this.publish();
  }

  #build(): Content {
    const known = this.#listing.kind === 'ok' && this.#leftover.size === 0;
    const { memoryMiB, vcpus } = this.#options.capacity ??
      this.#capacity ?? { memoryMiB: 0, vcpus: 0 };
    return {
      ...(known && this.#listing.kind === 'ok'
        ? { hypervisor: 'ok' as const, domains: this.#reportsOf(this.#listing.domains) }
        : unreachable),
      capacity: { memoryMiB, vcpus },
      degraded: this.#options.degraded(),
      mending: this.#options.mending(),
      leaving: this.#options.leaving(),
      watchdog: this.#options.watchdog(),
      ...(known && this.#usage !== undefined ? { usage: this.#usage } : {}),
      peerHold: this.#options.peerHold(),
    };
  }

  #reportsOf(domains: readonly HypervisorDomain[]): DomainReport[] {
    const reports = domains.map((domain) => {
      const checks = this.#options.checks(domain);
      return { ...domainReport(domain), ...(checks === undefined ? {} : { checks }) };
    });
    return reports.sort(byVm);
  }
}

function domainReport(domain: HypervisorDomain): DomainReport {
  const { vm, name, active, state, reason, permit } = domain;
  return {
    vm,
    name: name.slice(0, 255),
    active,
    state,
    reason: reason.slice(0, 64),
    permit: permit === null ? null : { ...permit },
  };
}

function byVm(a: Pick<DomainReport, 'vm'>, b: Pick<DomainReport, 'vm'>): number {
  if (a.vm === b.vm) return 0;
  return a.vm < b.vm ? -1 : 1;
}
