import type { VmId } from '../../src/core/model/ids.ts';
import type { NodeCapacity } from '../../src/core/model/node.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { Random, Timers } from '../../src/env/env.ts';
import type { ActedHook } from './sim-action.ts';
import type { SimLatency } from './sim-domain.ts';
import type { MigrationPeer, MigrationTimes } from './sim-migration.ts';

export type DiskWriterHook = (vm: VmId, running: boolean, permit: Permit | null) => void;

export interface SimHostOptions {
  /** The simulator's own timers: what goes on in the host outlives the agent. */
  readonly timers: Timers;
  readonly capacity: NodeCapacity;
  /** Spreads start times; without it every start takes `startMs`. */
  readonly random?: Pick<Random, 'fraction'>;
  readonly latency?: Partial<SimLatency>;
  /**
   * Called when a VM's process begins and ceases to be able to write to its disks, with the permit
   * it runs under. A freeze ends no writer: it goes on at the thaw.
   */
  readonly onDiskWriter?: DiskWriterHook;
  /** Called when an agent's boot command leaves for the daemon. */
  readonly onStartAsked?: (permit: Permit) => void;
  /** Called when something was done to a guest, with the permit that it runs under. */
  readonly onActed?: ActedHook;
  /** Whom an address leads to; null = nobody. Without it nothing can be migrated. */
  readonly peerAt?: (address: string) => MigrationPeer | null;
  readonly migrationTimes?: Partial<MigrationTimes>;
}
