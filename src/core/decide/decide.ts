import type { ClusterState } from '../cluster-state.ts';
import type { Observations } from '../observations.ts';
import type { Plan } from '../plan.ts';
import { decideActions } from './actions.ts';
import { decideArming } from './arming.ts';
import { commandsFor, fenceRequestsFor } from './commands.ts';
import { decideDowntimes, departuresFor } from './downtime.ts';
import { openDraft } from './draft.ts';
import { decideEvacuations } from './evacuation.ts';
import { decideEdits } from './edits.ts';
import { decideFailovers } from './failovers.ts';
import { decideFences } from './fences.ts';
import { decideGovernor } from './governor.ts';
import { decideGroups } from './groups.ts';
import { decideMembership } from './membership.ts';
import { decideMoves } from './moves.ts';
import { decideNodes } from './nodes.ts';
import { decidePolicyMoves } from './policy-decisions.ts';
import { decideRecovery } from './recovery.ts';
import { decideStrays } from './strays.ts';
import { decideVms } from './vms.ts';

/**
 * What to do, given what is committed and what was observed. Pure and level-triggered: the same
 * input gives the same plan, and a plan that was carried out in part, or not at all, is made anew
 * from the state as it then is. Safety rests on three rules (DESIGN §2), all kept here:
 *
 * - a command is derived from committed records only, and names the owner in the record;
 * - a record's owner changes only on release, proof, or a newer incarnation of the same boot that
 *   reports the very token;
 * - a proof is looked for only in what was observed after the intent was committed.
 */
export function decide(state: ClusterState, observations: Observations): Plan {
  const draft = openDraft(state, observations);
  decideGovernor(draft);
  decideArming(draft);
  decideFences(draft);
  decideStrays(draft);
  decideDowntimes(draft);
  decideNodes(draft);
  decideMembership(draft);
  decideActions(draft);
  decideVms(draft);
  decideEdits(draft);
  decideGroups(draft);
  decideRecovery(draft);
  decideEvacuations(draft);
  decidePolicyMoves(draft);
  decideMoves(draft);
  decideFailovers(draft);
  return draft.finish({
    commands: commandsFor(draft),
    fences: fenceRequestsFor(draft),
    departures: departuresFor(draft),
  });
}
