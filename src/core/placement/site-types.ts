import type { NodeId, VmId } from '../model/ids.ts';
import type { NodeCapacity } from '../model/node.ts';
import type { VmSpec, VmTries } from '../model/vm.ts';

/** A node as placement sees it. */
export interface PlacementNode {
  readonly id: NodeId;
  readonly capacity: NodeCapacity;
  readonly labels: Readonly<Record<string, string>>;
  /** Why nothing may be placed here now; null = it may. */
  readonly closed: string | null;
  /**
   * What runs here goes on, so that rules about sharing a node hold with it. False for a node that
   * is being fenced, or is proven dead.
   */
  readonly alive: boolean;
}

/** A VM as placement sees it. A `VmRecord` is one. */
export interface PlacementVm {
  readonly id: VmId;
  readonly spec: Pick<
    VmSpec,
    'name' | 'vcpus' | 'memoryMiB' | 'priority' | 'nodes' | 'separateFrom'
  >;
  readonly home: NodeId | null;
  readonly tries: VmTries;
}

/** What a VM was seen to use, where somebody measured it. Room is always counted by what is configured. */
export interface MeasuredUse {
  readonly memoryMiB: number;
  readonly cpus: number;
}

/** One VM that waits for a node. */
export interface Waiting {
  readonly vm: PlacementVm;
  /** The node that it was lost with; others are taken first. */
  readonly lostOn: NodeId | null;
  /** It may be placed anew instead of going home. */
  readonly anew: boolean;
  /** Why a node is not wanted for it, whatever the node could take; null = it may go there. */
  readonly refuses?: (node: NodeId) => string | null;
}
