import { vmId } from '../../src/core/model/ids.ts';
import type { SimCluster } from '../sim/cluster.ts';
import type { Names } from './names.ts';
import type { Scenario } from './schema.ts';

/**
 * Makes the simulated hypervisors behave as the `faults` of the services say. `start_fails: n` fails
 * n starts in a row, counted over all nodes, then lets one succeed and begins anew; `only_on_node`
 * confines it to one node; `migrate_fails` likewise, on the node that it leaves. `stop_never_succeeds` survives a shutdown and a kill, not a loss of power.
 */
export function plantServiceFaults(scenario: Scenario, cluster: SimCluster, names: Names): void {
  for (const { id, faults } of scenario.services) {
    if (faults === undefined) continue;
    const { only_on_node: only, stop_never_succeeds: unkillable } = faults;
    const starts = inTurn(faults.start_fails ?? 0);
    const migrates = inTurn(faults.migrate_fails ?? 0);
    for (const node of cluster.nodes) {
      const isHere = only === undefined || names.simNode(only) === node.name;
      node.hypervisor.setTemper(vmId(names.vmId(id)), {
        starts: isHere ? starts : () => true,
        migrates: isHere ? migrates : () => true,
        stops: unkillable !== true,
      });
    }
  }
}

/** False so many times in a row, then true once, and again from the beginning. */
function inTurn(fails: number): () => boolean {
  let left = fails;
  return () => {
    if (left > 0) {
      left -= 1;
      return false;
    }
    left = fails;
    return true;
  };
}
