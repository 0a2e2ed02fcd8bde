/**
 * What Kennel does on its own account while it is disarmed: nothing. With `freeze` VMs stay as they
 * are and people are obeyed; with `ignore` every VM is left to people, as if each were `ignored`.
 */
export type DisarmMode = 'freeze' | 'ignore';

export interface Disarmed {
  readonly mode: DisarmMode;
  /** ISO, wall clock. */
  readonly since: string;
  /** When it arms again by itself, ISO; null = when a person says so. For people, so by the wall clock. */
  readonly until: string | null;
  readonly by: string | null;
  readonly reason: string | null;
}

/** Whether Kennel acts by itself; null = it does. */
export interface ArmingRecord {
  readonly kind: 'arming';
  readonly disarmed: Disarmed | null;
}

export const armed: ArmingRecord = { kind: 'arming', disarmed: null };
