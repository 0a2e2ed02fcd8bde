import { nodeState, vmState } from '../../core/explain/states.ts';
import type { Store } from '../../store/store.ts';
import type { Leader } from '../leader.ts';
import type { ManagerMetrics } from '../metrics.ts';
import type { RegistryService } from './registry-service.ts';
import type { Sights } from './sights.ts';

/** Prometheus text. A manager that does not lead tells that, and nothing of nodes and VMs. */
export async function metricsText(options: {
  readonly name: string;
  readonly metrics: ManagerMetrics;
  readonly store: Pick<Store, 'status'>;
  readonly registry: Pick<RegistryService, 'managers'>;
  readonly sights: Sights;
  leader(): Leader | null;
}): Promise<string> {
  const { metrics, sights, name, registry, store } = options;
  const leader = options.leader();
  const gauges = [
    metrics.leading,
    metrics.epoch,
    metrics.nodes,
    metrics.vms,
    metrics.findings,
    metrics.managers,
  ];
  // What an earlier leadership knew is not so any more.
  for (const gauge of gauges) gauge.reset();
  if (leader !== null) {
    const { mirror } = leader;
    const sight = sights.sight(mirror, true);
    metrics.leading.set(1);
    metrics.epoch.set(mirror.epoch);
    for (const node of mirror.nodes.values()) {
      metrics.nodes.inc({ state: nodeState(node, mirror, sight.observations) });
    }
    for (const vm of mirror.vms.values()) {
      metrics.vms.inc({ state: vmState(vm, mirror, sight.observations) });
    }
    const self = { name, epoch: mirror.epoch };
    const seen = { sight, leader: self, leading: leader, ageMs: 0 };
    for (const { severity } of sights.findings(seen, true)) metrics.findings.inc({ severity });
    for (const { healthy } of registry.managers(mirror, self)) {
      metrics.managers.inc({ reachable: String(healthy) });
    }
  }
  metrics.storeQuorum.set(store.status().hasQuorum ? 1 : 0);
  return metrics.registry.metrics();
}
