/** Whether uneven load is said, with the moves that would mend it. */
export type BalanceMode = 'off' | 'suggest';

/** Failures that must leave room for every VM that should run. */
export interface FailoverCapacity {
  /** How many nodes, or failure domains, may be lost at once. */
  readonly failures: number;
  /** Node label whose value names a node's failure domain, for example `rack`; null = each node. */
  readonly by: string | null;
}

/** How nodes are chosen, beyond the rules. */
export interface PlacementPolicy {
  /** Null = changes are not checked. */
  readonly failoverCapacity: FailoverCapacity | null;
  /** A VM that is switched on is placed anew instead of going back to its home. */
  readonly rebalanceOnStart: boolean;
  readonly balance: {
    readonly mode: BalanceMode;
    /** Imbalance above which moves are looked for; see `imbalanceOf`. */
    readonly threshold: number;
    /** Looks in a row that must find it above before anything is proposed. */
    readonly holdRounds: number;
    /** Share of the imbalance that a move must take away to be worth it. */
    readonly minRelativeGain: number;
    readonly maxMoves: number;
  };
}

export const defaultPlacementPolicy: PlacementPolicy = {
  failoverCapacity: null,
  rebalanceOnStart: false,
  balance: { mode: 'off', threshold: 0.3, holdRounds: 3, minRelativeGain: 0.1, maxMoves: 4 },
};
