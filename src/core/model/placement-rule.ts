/** Name of a placement rule; also its identity. */
export type RuleId = string;

interface RuleBase {
  readonly kind: 'rule';
  readonly id: RuleId;
  readonly enabled: boolean;
  /** Names of the VMs it is about; they need not exist yet. */
  readonly vms: readonly string[];
  /** Strict is never broken by a choice of Kennel's; otherwise it is a preference. */
  readonly strict: boolean;
}

/** Where VMs may run, or should. */
export interface NodeRule extends RuleBase {
  readonly type: 'nodes';
  /** Node to priority: of those that can take a VM, the highest is preferred. */
  readonly nodes: Readonly<Record<string, number>>;
  /** A VM that runs goes back when a preferred node can take it again. */
  readonly failback: boolean;
}

/** Which VMs share a node, or do not. */
export interface VmRule extends RuleBase {
  readonly type: 'together' | 'apart';
}

/** VMs spread evenly over the values of a node label, for example `rack`. */
export interface SpreadRule extends RuleBase {
  readonly type: 'spread';
  readonly label: string;
}

export type PlacementRule = NodeRule | VmRule | SpreadRule;
