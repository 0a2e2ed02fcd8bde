import type { Draft } from '../decide/draft.ts';
import { hostOf } from '../guard/two-nodes.ts';
import type { NodeRecord } from '../model/node.ts';
import type { Problem } from '../problem.ts';

/**
 * Why the managers could not do without those on this node's machine, witnesses included; null = they
 * can. One that is not heard counts as gone, whichever it is.
 */
export function quorumProblem(draft: Draft, node: NodeRecord, what: string): Problem | null {
  const voters = draft.managers().filter(({ role }) => role === 'voter');
  const there = voters.filter(({ sessions }) => hostOf(sessions) === node.address);
  const [first] = there;
  if (first === undefined) return null;
  const { others, heard } = draft.observations.managers;
  const all = others + 1;
  const left = heard + 1 - there.length;
  const needed = Math.floor(all / 2) + 1;
  if (left >= needed) return null;
  const name = there.map(({ id, isWitness }) => (isWitness ? `witness ${id}` : id)).join(', ');
  return {
    code: 'E_CONFLICT',
    what,
    because: `${name} runs on it: without it ${left} of ${all} managers would be left, and ${needed} have to be`,
    so: 'nothing was changed',
    try: [
      'kennel manager ls, and bring back those that are not heard',
      `kennel manager replace ${first.id}, with one on another machine`,
      'the same with --force --reason "...": until it is back nobody may lead, and VMs go on as they are',
    ],
  };
}
