import type { StatusView } from '../../api/schema/views.ts';
import type { ManagerView } from '../../api/schema/managers.ts';
import { findingsOf } from '../../core/explain/findings.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { type Store, StoreUnavailable } from '../../store/store.ts';
import { keys } from '../keys.ts';
import type { Leader } from '../leader.ts';
import type { Mirror } from '../mirror.ts';
import type { ObservationBook } from '../observation-book.ts';
import type { KnownLeader, Peers } from '../peers.ts';
import { notLeading, onlyOldKnown, storeSilent } from '../problems.ts';
import type { Replica } from '../replica.ts';
import type { AlertsOf } from './alerts-of.ts';
import type { RegistryService } from './registry-service.ts';
import type { Sight } from './views.ts';

export interface SightsOptions {
  readonly name: string;
  readonly store: Store;
  readonly book: ObservationBook;
  readonly alerts: AlertsOf;
  readonly registry: RegistryService;
  readonly replica: Replica;
  readonly peers: Peers;
  /** The present leadership; null while this manager does not lead. */
  leader(): Leader | null;
}

/** One look at the cluster. */
export interface Seen {
  readonly sight: Sight;
  readonly leader: KnownLeader | null;
  /** Set where the manager that looks leads itself. */
  readonly leading: Leader | null;
  readonly ageMs: number;
}

/** How a manager sees the cluster, for those who ask it, and whether it may change anything. */
export class Sights {
  readonly #options: SightsOptions;

  constructor(options: SightsOptions) {
    this.#options = options;
  }

  /** A read of what is committed now: nobody decides on something old without knowing it. */
  async look<T>(answer: (sight: Sight) => Outcome<T>): Promise<Outcome<T>> {
    const seen = await this.see();
    if (seen.kind === 'problem') return seen;
    const { sight, ageMs } = seen.value;
    return ageMs > 0 ? problem(onlyOldKnown(ageMs)) : answer(sight);
  }

  /**
   * The newest state that this manager can show: a leader's own, once a quorum has confirmed it;
   * otherwise its copy of the store. E_NOT_LEADER for a leader that the store has deposed,
   * E_UNAVAILABLE when nothing is known here.
   */
  async see(): Promise<Outcome<Seen>> {
    const { name, replica, peers } = this.#options;
    const leading = this.#options.leader();
    if (leading !== null) {
      const leader = { name, epoch: leading.mirror.epoch };
      const seen = { sight: this.sight(leading.mirror, true), leader, leading };
      if (await leading.confirm()) return ok({ ...seen, ageMs: 0 });
      if (await this.#storeAnswers()) return problem(notLeading());
      return ok({ ...seen, ageMs: leading.unconfirmedMs() });
    }
    const snapshot = await replica.read();
    if (snapshot === null) return problem(onlyOldKnown(null));
    const { mirror, ageMs } = snapshot;
    const sight = this.sight(mirror, false);
    return ok({ sight, leader: peers.leader(), leading: null, ageMs });
  }

  async #storeAnswers(): Promise<boolean> {
    try {
      await this.#options.store.get(keys.barrier);
      return true;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return false;
    }
  }

  /** A change: the guarded write shows whether this manager leads. */
  async lead<T>(
    act: (leader: Leader, sight: () => Sight) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    const leader = this.#options.leader();
    if (leader === null) return problem(notLeading());
    try {
      return await act(leader, () => this.sight(leader.mirror, true));
    } catch (error) {
      return storeProblem(error);
    }
  }

  sight(mirror: Mirror, leads: boolean): Sight {
    const care = leads ? (this.#options.leader()?.care ?? null) : null;
    return { mirror, observations: this.#options.book.observe(mirror), leads, care };
  }

  findings({ sight, leader, leading, ageMs }: Seen, isSure: boolean): StatusView['findings'] {
    const { mirror, observations } = sight;
    const managers = this.#options.registry.managers(mirror, leader);
    const findings = managerFindings(managers, { ageMs, isSure, hasLeader: leader !== null });
    findings.push(...storeFindings(leading, this.#options.store));
    if (leading !== null) findings.push(...this.#options.alerts.findings(leading.mirror));
    for (const finding of findingsOf(mirror, observations)) {
      findings.push({ ...finding, try: [...finding.try] });
    }
    return findings;
  }
}

/** What is wrong with the managers and their agreement. */
function managerFindings(
  managers: readonly ManagerView[],
  state: { readonly ageMs: number; readonly isSure: boolean; readonly hasLeader: boolean },
): StatusView['findings'] {
  const findings: StatusView['findings'] = [];
  if (!state.isSure) {
    const text = `the store has no quorum; this is ${Math.round(state.ageMs / 1000)} s old`;
    const steps = ['start the managers that are down', 'kennel manager ls'];
    findings.push({ code: 'NO_QUORUM', severity: 'critical', subject: '', text, try: steps });
  } else if (!state.hasLeader) {
    const text = 'no manager leads at the moment; VMs that run go on';
    const steps = ['kennel manager ls, in a few seconds'];
    findings.push({ code: 'NO_LEADER', severity: 'critical', subject: '', text, try: steps });
  }
  for (const { name, healthy, lastSeenMs } of managers) {
    if (healthy) continue;
    const text = lastSeenMs === null ? 'it was never heard here' : 'it does not answer';
    const steps = [`systemctl status kennel-manager, on ${name}`, 'kennel manager ls'];
    findings.push({ code: 'MANAGER_DOWN', severity: 'warning', subject: name, text, try: steps });
  }
  return findings;
}

/** What keeps the store from taking writes: its own word, or the last write that it did not take. */
function storeFindings(leader: Leader | null, store: Store): StatusView['findings'] {
  const notTaken = leader?.notTaken ?? null;
  const text = notTaken?.because ?? store.status().readOnly;
  if (text === null) return [];
  const steps =
    notTaken?.readOnly === false
      ? ['kennel events', 'see the log of the manager']
      : ['free space on the disk of the data directory'];
  return [{ code: 'STORE_READ_ONLY', severity: 'critical', subject: '', text, try: steps }];
}

/** For what the store itself does not answer; anything else is a bug. */
export function storeProblem(error: unknown): ReturnType<typeof problem> {
  if (!(error instanceof StoreUnavailable)) throw error;
  return problem(storeSilent(error.message));
}
