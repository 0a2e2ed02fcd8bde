import type { PolicyCause } from '../model/move.ts';
import type { NodeId } from '../model/ids.ts';
import { planBalance } from '../placement/balance.ts';
import { planEnforcement } from '../placement/enforce.ts';
import type { Move } from '../placement/moves.ts';
import type { PlacementNode } from '../placement/site-types.ts';
import type { SiteSnapshot } from '../placement/snapshot.ts';
import { disarmedNow } from './arming.ts';
import type { Draft } from './draft.ts';
import { dropWaiting, unrestBecause, wantMove } from './policy-moves.ts';
import { snapshotOf } from './site-of.ts';

/** How soon rules and load are looked at again, in ms. */
const lookAgainMs = 1000;

/**
 * Moves VMs that run because their rules or their load say so: few at once, each by the same way as one
 * that a person asks for, so that room, limits and ownership are those of any move. Rules come before
 * load. Nothing is planned while a move by policy is under way: what comes next is decided on what has
 * become of it.
 */
export function decidePolicyMoves(draft: Draft): void {
  const { enforcement, balance } = draft.settings().placement;
  if (disarmedNow(draft) !== null) {
    dropWaiting(draft);
    return;
  }
  const isBound = draft.state.rules.size > 0 || draft.vms().some(hasOwnRule);
  const isEnforced = enforcement === 'automatic' && isBound;
  if (!isEnforced && balance.mode !== 'automatic') return;
  draft.wakeAt(draft.observations.nowMs + lookAgainMs);
  if (!draft.observations.placement.isDue || draft.isFull()) return;
  if (unrestBecause(draft) !== null) {
    dropWaiting(draft);
    return;
  }
  if (draft.vms().some(({ move }) => move !== null)) return;
  const snapshot = withSettledNodes(draft, snapshotOf(draft));
  const { maxAtOnce } = snapshot.policy.selfMoves;
  const ordered = isEnforced ? order(draft, planEnforcement(snapshot).moves, maxAtOnce) : 0;
  const { isUneven } = draft.observations.placement;
  if (ordered > 0 || balance.mode !== 'automatic' || !isUneven) return;
  order(draft, planBalance(snapshot).moves, maxAtOnce);
}

function hasOwnRule({
  spec,
}: {
  readonly spec: { readonly nodes: readonly NodeId[]; readonly separateFrom: readonly string[] };
}): boolean {
  return spec.nodes.length > 0 || spec.separateFrom.length > 0;
}

/** The first of them; VMs that go together, one after the other in the list, count as one. */
function order(draft: Draft, moves: readonly Move[], most: number): number {
  let units = 0;
  let last: Move | null = null;
  for (const move of moves) {
    const isSameUnit = last !== null && move.unit !== undefined && move.unit === last.unit;
    if (!isSameUnit) units += 1;
    if (units > most) return most;
    last = move;
    const vm = draft.vm(move.vm.id);
    if (vm === undefined) continue;
    wantMove(draft, vm, { to: move.to, cause: causeOf(move), because: move.because });
  }
  return units;
}

function causeOf({ isStrict, cause }: Move): PolicyCause {
  if (cause === 'balance') return 'balance';
  return isStrict ? 'rule' : 'failback';
}

/** A node that came back a moment ago is no target yet: it may go again. */
function withSettledNodes(draft: Draft, snapshot: SiteSnapshot): SiteSnapshot {
  const { nowMs, incarnationSince } = draft.observations;
  const { settleMs } = snapshot.policy.selfMoves;
  const settled = (node: PlacementNode): PlacementNode => {
    const since = incarnationSince.get(node.id)?.ms ?? nowMs;
    if (node.closed !== null || nowMs >= since + settleMs) return node;
    return { ...node, closed: 'back since a moment ago' };
  };
  return { ...snapshot, nodes: snapshot.nodes.map(settled) };
}
