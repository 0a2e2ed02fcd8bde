/** What becomes of a field when it is lost: it says little, or the VM is worse off without it. */
export type Severity = 'note' | 'weaker';

/**
 * One line of the field table: what becomes of a field of KubeVirt, and of everything below it that has
 * no line of its own. docs/kubevirt.md is made from these.
 */
export interface Row {
  /** `spec.template.spec.volumes[].name`; `*` stands for any key. */
  readonly at: string;
  readonly verdict: 'mapped' | Severity | 'refused';
  /** For `mapped` what it becomes in a VM file, for others why it does not. */
  readonly why: string;
  /** For `refused` and the losses: values that ask for nothing which Kennel does not do anyway. */
  readonly harmless: readonly unknown[];
  /** Its value is never shown. */
  readonly isSecret: boolean;
}

type More = Partial<Pick<Row, 'harmless' | 'isSecret'>>;

function row(verdict: Row['verdict'], at: string, why: string, more: More): Row {
  return { at, verdict, why, harmless: more.harmless ?? [], isSecret: more.isSecret ?? false };
}

export const mapped = (at: string, why: string, more: More = {}): Row =>
  row('mapped', at, why, more);
export const note = (at: string, why: string, more: More = {}): Row => row('note', at, why, more);
export const weaker = (at: string, why: string, more: More = {}): Row =>
  row('weaker', at, why, more);
export const refused = (at: string, why: string, more: More = {}): Row =>
  row('refused', at, why, more);

/** The same rows, one level further down. */
export function under(prefix: string, rows: readonly Row[]): readonly Row[] {
  return rows.map((one) => ({ ...one, at: one.at === '' ? prefix : `${prefix}.${one.at}` }));
}
