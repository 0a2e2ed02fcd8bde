import { ok, problem, type Outcome } from '../problem.ts';
import type { ManagerId } from '../model/ids.ts';
import type { ManagerRecord, ManagerRole, Roster } from '../model/manager.ts';
import type { Draft } from '../decide/draft.ts';

export interface ManagerEnrolment {
  readonly id: ManagerId;
  readonly api: string;
  readonly sessions: string;
  readonly certificateFingerprint: string;
  readonly role: ManagerRole;
  readonly isWitness: boolean;
  readonly replaces: ManagerId | null;
  readonly joinedAt: string;
}

/**
 * Records a new manager under a number that no manager had before. One that replaces itself, for
 * example on a new machine, takes its own record over at once: what it was before may vote no more.
 */
export function enrolManager(draft: Draft, input: ManagerEnrolment): Outcome<ManagerRecord> {
  const refusal = enrolmentRefusal(draft, input);
  if (refusal !== null) return notEnrolled(input.id, refusal);
  const replaces = input.replaces === input.id ? null : input.replaces;
  const manager = numbered(draft, { kind: 'manager', ...input, replaces, number: 0 });
  tell(draft, 'MANAGER_JOINED', `${input.id} may join, at ${input.api}`);
  return ok(manager);
}

/**
 * A manager that lost its part of the store begins again as a learner, under a number that no manager
 * had before and its old certificate, which must be the recorded one. Its old number has no record
 * from now on, so that the store lets go of it.
 */
export function renumberManager(
  draft: Draft,
  { id, certificateFingerprint }: Pick<ManagerRecord, 'id' | 'certificateFingerprint'>,
): Outcome<ManagerRecord> {
  const known = draft.manager(id);
  if (known?.certificateFingerprint !== certificateFingerprint) return notItself(id);
  const manager = numbered(draft, { ...known, role: 'learner' });
  const text = `${id} is rebuilt from the others: it was number ${known.number}, and is ${manager.number}`;
  tell(draft, 'MANAGER_REBUILT', text);
  return ok(manager);
}

function numbered(draft: Draft, record: ManagerRecord): ManagerRecord {
  const roster = draft.roster();
  const manager: ManagerRecord = { ...record, number: roster.lastNumber + 1 };
  draft.put({ ...changed(roster), lastNumber: manager.number });
  draft.put(manager);
  return manager;
}

function notItself(id: ManagerId): Outcome<never> {
  return problem({
    code: 'E_FORBIDDEN',
    what: `${id} is not rebuilt`,
    because: 'its certificate is not the one that is recorded for a manager of that name',
    so: 'nothing was changed',
    try: [
      'kennel manager ls',
      `kennel manager replace ${id} --name ${id}, and join with the token`,
    ],
  });
}

/** Why this name or these addresses cannot be taken; null = they can. */
function enrolmentRefusal(
  draft: Draft,
  { id, api, sessions, replaces }: ManagerEnrolment,
): string | null {
  if (id !== replaces && draft.manager(id) !== undefined) return `there is a manager ${id} already`;
  const twin = draft
    .managers()
    .find((other) => other.id !== replaces && (other.api === api || other.sessions === sessions));
  if (twin !== undefined) return `${twin.id} has one of its addresses, ${api} or ${sessions}`;
  if (replaces !== null && draft.manager(replaces) === undefined) {
    return `there is no manager ${replaces} that it could replace`;
  }
  return null;
}

function notEnrolled(id: ManagerId, because: string): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: `${id} may not join as a manager`,
    because,
    so: 'no certificate was issued',
    try: ['kennel manager ls', 'join under another name or address'],
  });
}

/** What a manager knows of itself when it starts to lead. */
export interface OwnEntry {
  readonly id: ManagerId;
  readonly number: number;
  readonly api: string;
  readonly sessions: string;
  readonly certificateFingerprint: string;
  readonly joinedAt: string;
}

/** True when a manager of this number was recorded once and is no more. */
export function wasRemoved(
  state: { readonly roster: Roster; readonly managers: ReadonlyMap<ManagerId, ManagerRecord> },
  own: { readonly id: ManagerId; readonly number: number },
): boolean {
  return state.managers.get(own.id)?.number !== own.number && own.number <= state.roster.lastNumber;
}

/** True when a manager's record says of it what it says of itself. */
export function isRecorded(known: ManagerRecord | undefined, own: OwnEntry): boolean {
  return (
    known !== undefined &&
    known.number === own.number &&
    known.api === own.api &&
    known.sessions === own.sessions &&
    known.certificateFingerprint === own.certificateFingerprint
  );
}

/**
 * A leader's own record brought up to date: the first manager of a new cluster has none yet, and an
 * address or a certificate may have changed. Changes nothing when all is as recorded.
 */
export function recordSelf(draft: Draft, own: OwnEntry): void {
  const known = draft.manager(own.id);
  const roster = draft.roster();
  if (isRecorded(known, own)) return;
  const { joinedAt, ...present } = own;
  const fresh = { role: 'voter', isWitness: false, replaces: null, joinedAt } as const;
  draft.put({ ...changed(roster), lastNumber: Math.max(roster.lastNumber, own.number) });
  draft.put({ kind: 'manager', ...(known ?? fresh), ...present });
}

/** A learner has caught up and counts from now on; whom it replaces goes with the same write. */
export function promoteManager(draft: Draft, id: ManagerId): Outcome<ManagerRecord> {
  const known = draft.manager(id);
  if (known === undefined) return unknownManager(id);
  const old = known.replaces === null ? undefined : draft.manager(known.replaces);
  const promoted: ManagerRecord = { ...known, role: 'voter', replaces: null };
  draft.put(changed(draft.roster()));
  draft.put(promoted);
  tell(draft, 'MANAGER_PROMOTED', `${id} counts as a manager`);
  if (old !== undefined) dropManager(draft, old, `replaced by ${id}`);
  return ok(promoted);
}

export interface RemovalView {
  /** Managers that answer now, the leader among them. */
  readonly reachable: ReadonlySet<ManagerId>;
  /** Managers are the store's voters, so what stays must be a quorum of itself. */
  readonly managersVote: boolean;
}

/** Forgets a manager; refused for the last one, and when quorum would be lost (FAILURES O13). */
export function removeManager(
  draft: Draft,
  id: ManagerId,
  view: RemovalView,
): Outcome<ManagerRecord> {
  const manager = draft.manager(id);
  if (manager === undefined) return unknownManager(id);
  const refusal = removalRefusal(draft.managers(), manager, view);
  if (refusal !== null) {
    return problem({
      code: 'E_CONFLICT',
      what: `${id} is not removed`,
      because: refusal,
      so: 'nothing was changed',
      try: ['kennel manager ls', `kennel manager replace ${id}, which adds the new one first`],
    });
  }
  dropManager(draft, manager, 'removed');
  return ok(manager);
}

/** Why a manager must stay; null = it may go. */
export function removalRefusal(
  managers: readonly ManagerRecord[],
  leaving: ManagerRecord,
  { reachable, managersVote }: RemovalView,
): string | null {
  const staying = managers.filter((other) => other.id !== leaving.id);
  const leaders = staying.filter((other) => other.role === 'voter' && !other.isWitness);
  if (leaving.role === 'learner') return null;
  if (leaders.length === 0) return 'no manager would be left that can lead';
  if (!managersVote) return null;
  const voters = staying.filter((other) => other.role !== 'learner');
  const needed = Math.floor(voters.length / 2) + 1;
  const present = voters.filter((other) => reachable.has(other.id)).length;
  if (present >= needed) return null;
  return `of the ${voters.length} that would stay ${needed} are needed, and ${present} answer`;
}

function dropManager(draft: Draft, manager: ManagerRecord, how: string): void {
  draft.put(changed(draft.roster()));
  draft.remove(manager);
  tell(draft, 'MANAGER_REMOVED', `${manager.id} is ${how}`);
}

/** The roster with a new version. */
function changed(roster: Roster): Roster {
  return { ...roster, version: roster.version + 1 };
}

function tell(draft: Draft, code: string, text: string): void {
  draft.event({ code, severity: 'info', node: null, vm: null, text });
}

function unknownManager(id: ManagerId): Outcome<never> {
  return problem({
    code: 'E_NOT_FOUND',
    what: `there is no manager ${id}`,
    because: 'no manager of that name has joined',
    so: 'nothing was done',
    try: ['kennel manager ls'],
  });
}
