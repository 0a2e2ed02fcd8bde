/** Whether uneven load is said, with the moves that would mend it, or mended. */
export type BalanceMode = 'off' | 'suggest' | 'automatic';

/** What counts as the load of a VM: what is configured, or what its node measured of late. */
export type LoadSource = 'configured' | 'measured';

/** Whether a VM that runs is moved because of a rule, or only said to break it. */
export type EnforcementMode = 'off' | 'automatic';

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
  readonly enforcement: EnforcementMode;
  readonly load: LoadSource;
  readonly selfMoves: {
    /** A VM, its target and the cluster were as they are for so long before a policy moves it, in ms. */
    readonly settleMs: number;
    /** Moves by policy under way at once; a group that shares a node counts as one. */
    readonly maxAtOnce: number;
  };
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
  enforcement: 'automatic',
  load: 'configured',
  selfMoves: { settleMs: 30_000, maxAtOnce: 2 },
  balance: { mode: 'off', threshold: 0.3, holdRounds: 3, minRelativeGain: 0.1, maxMoves: 4 },
};
