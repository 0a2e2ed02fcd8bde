import { vmId } from '../../src/core/model/ids.ts';
import type { SimCluster } from '../sim/cluster.ts';
import type { Names } from './names.ts';
import type { Scenario } from './schema.ts';

/**
 * Makes the simulated hypervisors behave as the `faults` of the services say. `start_fails: n` fails
 * n starts in a row, counted over all nodes, then lets one succeed and begins anew; `only_on_node`
 * confines it to one node. `stop_never_succeeds` survives a shutdown and a kill, not a loss of power.
 */
export function plantServiceFaults(scenario: Scenario, cluster: SimCluster, names: Names): void {
  for (const { id, faults } of scenario.services) {
    if (faults === undefined) continue;
    const { only_on_node: only, start_fails: fails = 0, stop_never_succeeds: unkillable } = faults;
    let left = fails;
    const starts = (): boolean => {
      if (left > 0) {
        left -= 1;
        return false;
      }
      left = fails;
      return true;
    };
    for (const node of cluster.nodes) {
      const isHere = only === undefined || names.simNode(only) === node.name;
      node.hypervisor.setTemper(vmId(names.vmId(id)), {
        starts: isHere ? starts : () => true,
        stops: unkillable !== true,
      });
    }
  }
}
