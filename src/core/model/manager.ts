import type { ManagerId } from './ids.ts';

/** What a manager is to the store. `voter`: counts for its quorum. `learner`: gets the log, and does not count yet. */
export type ManagerRole = 'voter' | 'learner';

/** One manager of the cluster, recorded when it joined. */
export interface ManagerRecord {
  readonly kind: 'manager';
  /** Its name, as its certificate has it. */
  readonly id: ManagerId;
  /** Given out once and never again, so that a machine that was removed is told from its successor. */
  readonly number: number;
  /** Where people and tools reach it, `host:port`. */
  readonly api: string;
  /** Where agents and other managers reach it, `host:port`. */
  readonly sessions: string;
  readonly certificateFingerprint: string;
  readonly role: ManagerRole;
  /** It votes and keeps the log, and never leads: no agent dials it, and it holds no key. */
  readonly isWitness: boolean;
  /** The manager that goes once this one counts; null = none. */
  readonly replaces: ManagerId | null;
  /** Wall clock, ISO; for people. */
  readonly joinedAt: string;
}

/** What holds of all managers together. A number up to `lastNumber` without a record was removed. */
export interface Roster {
  readonly kind: 'roster';
  /** Grows with every change of a manager; agents take the newer list. */
  readonly version: number;
  readonly lastNumber: number;
}

export const emptyRoster: Roster = { kind: 'roster', version: 0, lastNumber: 0 };
