import { checkKey, type Verdict } from '../model/guest.ts';
import type { NodeRecord } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import type { DomainObservation, Observations } from '../observations.ts';
import type { ClusterState } from '../cluster-state.ts';

/** How the health check of the present start stands; null = there is none, or it is not known. */
export function healthOf(vm: VmRecord, domain: DomainObservation | undefined): Verdict | null {
  const health = vm.spec.guest?.health ?? null;
  if (health === null || domain === undefined) return null;
  if (domain.permit?.token !== vm.permit?.token) return null;
  return domain.checks?.[checkKey(health.check)] ?? null;
}

/**
 * Several guests of a node are ill by checks that cross its network, and none passes: that is the
 * network's doing, or that of something they all need. Restarting them all would mend nothing.
 */
export function isNodesTrouble(
  { state, observations }: { readonly state: ClusterState; readonly observations: Observations },
  node: NodeRecord,
): boolean {
  const domains = observations.nodes.get(node.id)?.report?.domains ?? null;
  let ill = 0;
  for (const vm of state.vms.values()) {
    if (vm.permit?.node !== node.id) continue;
    const kind = vm.spec.guest?.health?.check.kind;
    if (kind === undefined || kind === 'agent') continue;
    const verdict = healthOf(vm, domains?.get(vm.id));
    if (verdict === 'passing') return false;
    if (verdict === 'ill') ill += 1;
  }
  return ill > 1;
}
