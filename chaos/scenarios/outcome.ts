/** What a replayed scenario came to: data for the judge. Times are seconds of the scenario. */
export interface RunOutcome {
  /** Invariants of the format that did not hold at some instant. */
  readonly violations: readonly Violation[];
  /** Every proof that a node was dead, in the order in which they were committed. */
  readonly proofs: readonly ProvenNode[];
  /** Of them those of nodes that were fenced: a node that came back by itself was not. */
  readonly fenced: readonly ProvenNode[];
  /** Each time a BMC took power that was there. */
  readonly powerCut: readonly { readonly node: string; readonly t: number }[];
  /** Each time a VM's process began, from t = 0 on. */
  readonly starts: readonly ServiceStart[];
  /** Starts on another node than the run before. */
  readonly moves: readonly ServiceMove[];
  /** Commands that the product refused, or that found no leader. */
  readonly refused: readonly { readonly t: number; readonly text: string }[];
  readonly services: Readonly<Record<string, FinalService>>;
  readonly inError: readonly string[];
  readonly wantedButNotRunning: readonly string[];
  /** Fingerprint of the whole run: equal for two runs of one file. */
  readonly hash: string;
}

export interface ProvenNode {
  readonly node: string;
  readonly t: number;
  readonly proof: string;
}

export interface Violation {
  readonly invariant: string;
  readonly t: number;
  readonly text: string;
}

export interface ServiceStart {
  readonly t: number;
  readonly service: string;
  readonly node: string;
}

export interface ServiceMove {
  readonly t: number;
  readonly service: string;
  readonly from: string;
  readonly to: string;
}

export interface FinalService {
  readonly managed: boolean;
  /** Where it runs, else whose permit it has; null = it is off and on no node. */
  readonly node: string | null;
  readonly instance: 'running' | 'stopped';
  readonly status: string;
}
