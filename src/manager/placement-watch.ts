import { openDraft } from '../core/decide/draft.ts';
import { snapshotOf } from '../core/decide/site-of.ts';
import type { ClusterState } from '../core/cluster-state.ts';
import type { Observations, PlacementObservation } from '../core/observations.ts';
import { balanceRound, type BalanceMemory } from '../core/placement/balance.ts';
import { siteOfSnapshot } from '../core/placement/snapshot.ts';

/** How often rules are looked at, and how often load is, in ms. */
const rulesEveryMs = 1000;
const loadEveryMs = 10_000;

/**
 * When a leader looks at rules and load again, and whether load was uneven for long enough. Where
 * something is being moved, load is about to change: the count begins anew.
 */
export class PlacementWatch {
  #memory: BalanceMemory = { above: 0 };
  #isUneven = false;
  #rulesMs = -Infinity;
  #loadMs = -Infinity;

  look(state: ClusterState, observations: Observations): PlacementObservation {
    const { nowMs } = observations;
    const isDue = nowMs >= this.#rulesMs + rulesEveryMs;
    if (isDue) this.#rulesMs = nowMs;
    if (state.settings.placement.balance.mode !== 'automatic' || isMoving(state)) this.#forget();
    else if (nowMs >= this.#loadMs + loadEveryMs) {
      this.#loadMs = nowMs;
      this.#lookAtLoad(state, observations);
    }
    return { isDue, isUneven: this.#isUneven };
  }

  #forget(): void {
    this.#memory = { above: 0 };
    this.#isUneven = false;
  }

  #lookAtLoad(state: ClusterState, observations: Observations): void {
    const site = siteOfSnapshot(snapshotOf(openDraft(state, observations)));
    const { balance } = state.settings.placement;
    const round = balanceRound(this.#memory, site.load.imbalance(), balance);
    this.#memory = round.memory;
    this.#isUneven = round.isDue;
  }
}

function isMoving(state: ClusterState): boolean {
  for (const { move } of state.vms.values()) if (move !== null) return true;
  return false;
}
