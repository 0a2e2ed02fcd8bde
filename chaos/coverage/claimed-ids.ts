import type { Catalogue } from './catalogue.ts';

/** What a test's name or a scenario's `covers` says: a row, or one case of it. */
export interface ClaimedId {
  readonly id: string;
  /** Null: the row as a whole. `*`: all of its cases. */
  readonly case: string | null;
}

const idForm = /^([A-Z]\d+)(?:\/([a-z-]+|\*))?$/;

/** One id as it is written, `N8` or `M1/intent`; null when it has another form. */
export function readId(text: string): ClaimedId | null {
  const [, id, name] = idForm.exec(text) ?? [];
  return id === undefined ? null : { id, case: name ?? null };
}

/**
 * The ids that a name begins with: `N1 B3, M1/intent: …`. Empty when what stands before the first
 * colon is anything else than ids.
 */
export function idsOfTitle(title: string): readonly ClaimedId[] {
  const colon = title.indexOf(':');
  if (colon < 0) return [];
  const words = title.slice(0, colon).split(/[\s,]+/);
  const ids = words.map(readId);
  return ids.every((id) => id !== null) ? ids : [];
}

/** Why an id claims nothing; null when it is a row, or a case of a row, of the catalogue. */
export function problemOf(claimed: ClaimedId, catalogue: Catalogue): string | null {
  const row = catalogue.find(({ id }) => id === claimed.id);
  if (row === undefined) return `${claimed.id} is no row of docs/failures.md`;
  if (claimed.case === null) return null;
  if (row.cases.length === 0) return `${claimed.id} has no cases`;
  if (claimed.case === '*' || row.cases.includes(claimed.case)) return null;
  return `${claimed.case} is no case of ${claimed.id}; its cases are ${row.cases.join(', ')}`;
}
