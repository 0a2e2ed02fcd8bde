import type { FenceId, NodeId } from './ids.ts';

/** Many nodes lost together: one incident, whose fencing waits for a person or for their return. */
export interface GovernorHold {
  /** `I-7`. */
  readonly incident: string;
  /** Grows while the hold lasts. */
  readonly nodes: readonly NodeId[];
  readonly because: string;
  /** What all of them have in common by their labels, `rack=r1`; null = nothing. */
  readonly common: string | null;
  /** ISO, wall clock. */
  readonly since: string;
}

/** What the storm governor remembers, so that a new leader neither forgets nor repeats it. */
export interface GovernorRecord {
  readonly kind: 'governor';
  /** Incidents so far. */
  readonly incidents: number;
  readonly hold: GovernorHold | null;
  /** Lost nodes that a person let go: the governor does not count or hold them any more. */
  readonly released: readonly NodeId[];
  /** Automatic operations that may have sent a device command within the window. */
  readonly spent: readonly { readonly fence: FenceId; readonly node: NodeId }[];
}

export const idleGovernor: GovernorRecord = {
  kind: 'governor',
  incidents: 0,
  hold: null,
  released: [],
  spent: [],
};
