import { createHash } from 'node:crypto';

/** SHA-256 over a record's JSON with null for its own hash, lower-case hex; null = it is no record. */
export function hashOfRecord(record: unknown): string | null {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return null;
  return createHash('sha256')
    .update(JSON.stringify({ ...record, hash: null }))
    .digest('hex');
}

export interface Link {
  readonly id: string;
  readonly hash: string;
  readonly previousHash: string | null;
}

/**
 * Whether sealed records follow each other without a gap up to the end of the chain. Records are let
 * go after a time, so the first may follow one that is not kept; no other may. The order is that of
 * their ends, which need not be that of their numbers.
 */
export function chainProblems(links: readonly Link[], end: string | null): readonly string[] {
  const followers = new Map<string, Link>();
  const problems: string[] = [];
  for (const link of links) {
    const before = link.previousHash ?? '';
    const twin = followers.get(before);
    if (twin !== undefined) problems.push(`${link.id} and ${twin.id} follow the same record`);
    followers.set(before, link);
  }
  const hashes = new Set(links.map((link) => link.hash));
  const firsts = links.filter((link) => !hashes.has(link.previousHash ?? ''));
  if (firsts.length > 1) {
    problems.push(`the chain is broken before ${firsts.map((link) => link.id).join(' and ')}`);
  }
  let at = firsts[0];
  let seen = 0;
  while (at !== undefined && seen < links.length) {
    seen += 1;
    const next = followers.get(at.hash);
    if (next === undefined && at.hash !== (end ?? '')) {
      problems.push(`the chain ends with ${at.id}, its end as the store has it is another one`);
    }
    at = next;
  }
  if (links.length > 0 && firsts.length === 0) problems.push('the chain has no beginning');
  return problems;
}
