import type { Draft } from '../decide/draft.ts';
import { snapshotOf } from '../decide/site-of.ts';
import { checkFailoverCapacity, explainCapacity } from '../placement/failover-capacity.ts';
import type { Problem } from '../problem.ts';

/**
 * Why the cluster as it would be after a change has not the room for failures that is asked for;
 * null = it has, or none is asked for. The change has been made in the draft.
 */
export function capacityProblem(draft: Draft, what: string): Problem | null {
  const wanted = draft.settings().placement.failoverCapacity;
  if (wanted === null) return null;
  const check = checkFailoverCapacity(snapshotOf(draft), wanted);
  if (check.holds) return null;
  return {
    code: 'E_CAPACITY',
    what,
    because: explainCapacity(check),
    so: 'nothing was changed',
    try: [
      'kennel plan fail NODE, to see where each VM would go',
      'stop a VM, or add a node or memory',
      'kennel placement set --failover-capacity off',
    ],
  };
}
