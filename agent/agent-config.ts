import type { BootId, ClusterId, NodeId } from '../src/core/model/ids.ts';
import type { IsolationPolicy, NodeCapacity } from '../src/core/model/node.ts';
import type { NetworkAddress } from '../src/env/network.ts';
import type { AgentTuning } from './tuning.ts';

export interface AgentConfig {
  readonly clusterId: ClusterId;
  readonly node: NodeId;
  readonly machineId: string;
  /** Absolute, without a slash at its end. Holds the state file. Made when absent. */
  readonly dataDirectory: string;
  /**
   * What keeps a second agent off this node; the same path for every agent of it. Default: in the
   * data directory. Best on a tmpfs, so that a root file system gone read-only does not keep a
   * crashed agent from coming back.
   */
  readonly lockPath?: string;
  /** Where managers are looked for until a leader has told which there are. */
  readonly managers: readonly NetworkAddress[];
  /** Where other agents may probe this one, the first that can be listened on. Default: nowhere. */
  readonly probes?: readonly NetworkAddress[];
  /** Told to the managers instead of what the hypervisor says. */
  readonly capacity?: NodeCapacity;
  /** `/proc/sys/kernel/random/boot_id`. */
  readonly bootId: BootId;
  /**
   * What the node is to do when its lease runs out. It self-fences only while it has a watchdog that
   * it may rely on; until then, and without `petter`, it keeps its VMs running.
   */
  readonly isolation: IsolationPolicy;
  readonly version: string;
  /** Program and arguments that restart the hypervisor's daemon; null = that is left to others. */
  readonly restartHypervisor?: readonly string[] | null;
  readonly tuning?: Partial<AgentTuning>;
}
