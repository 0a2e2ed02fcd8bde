import { leaderKey } from '../leadership-key.ts';

/**
 * Each candidate has a key of its own, named by its lease; the one with the lowest create revision
 * leads. Nothing but its campaign writes such a key, so etcd's create revision is always its own.
 */
export const candidatePrefix = `${leaderKey}/`;

export function candidateKey(leaseId: number): string {
  return candidatePrefix + leaseId.toString(16).padStart(16, '0');
}

export function isLeadershipKey(key: string): boolean {
  return key.startsWith(candidatePrefix);
}
