import { epoch, type Epoch, type OperationId, type Revision } from '../core/model/ids.ts';
import type { KeyValue, Transaction, Write } from './store.ts';

/** The key whose create revision is the epoch. Every leader write compares it (DESIGN §2.4). */
export const leaderKey = 'leader';

/**
 * Takes the leadership over from what was read. Deleting first gives the key a new create revision
 * in the same step, so there is no moment without a leader key and the epoch always grows.
 */
export function claimTransaction(
  current: KeyValue | null,
  candidate: string,
  operation: OperationId,
): Transaction {
  const put: Write = { kind: 'put', key: leaderKey, value: JSON.stringify({ candidate }) };
  const revision = current?.modRevision ?? (0 as Revision);
  return {
    operation,
    compare: [{ key: leaderKey, target: 'mod', revision }],
    then: current === null ? [put] : [{ kind: 'delete', key: leaderKey }, put],
  };
}

/** Ends exactly one leadership; refused when another has begun. */
export function resignTransaction(createRevision: Revision, operation: OperationId): Transaction {
  return {
    operation,
    compare: [{ key: leaderKey, target: 'create', revision: createRevision }],
    then: [{ kind: 'delete', key: leaderKey }],
  };
}

/**
 * An ordinary key that holds a number to be added to every create revision. Whoever moves a cluster
 * to a store whose revisions are lower (another driver, a restored backup) writes it there first:
 * agents refuse an epoch below the highest one that they have seen. It is never lowered.
 */
export const epochBaseKey = 'epoch-base';

/** The number in `epoch-base`; absent = 0. Throws for what is no number: an epoch must not go back. */
export function epochBaseIn(text: string | null): number {
  if (text === null) return 0;
  const base = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(base)) return base;
  throw new Error(`the key ${epochBaseKey} holds no number but "${text}"`);
}

/** Revisions only grow and every claim makes a new key, so this grows with every leadership. */
export function epochOf(createRevision: Revision, base = 0): Epoch {
  return epoch(base + createRevision);
}
