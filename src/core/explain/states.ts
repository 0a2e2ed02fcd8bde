import type { ClusterState } from '../cluster-state.ts';
import type { NodeRecord, NodeState } from '../model/node.ts';
import type { VmRecord, VmState } from '../model/vm.ts';
import type { DomainObservation, Observations } from '../observations.ts';
import { isLost, isSuspect } from '../timing/silence.ts';

/** The state people see of a node: its phase, or `suspect` while its heartbeats are overdue. */
export function nodeState(
  node: NodeRecord,
  state: ClusterState,
  observations: Observations,
): NodeState {
  if (node.phase !== 'online') return node.phase;
  const seen = observations.nodes.get(node.id);
  return isSuspect(seen, observations, state.settings.timing) ? 'suspect' : 'online';
}

/** The state people see of a VM: its phase refined by what its owner reports. */
export function vmState(vm: VmRecord, state: ClusterState, observations: Observations): VmState {
  const { disarmed } = state.arming;
  if (vm.desired === 'ignored' || disarmed?.mode === 'ignore') {
    return ignoredState(vm, state, observations);
  }
  if (vm.permit === null) return vm.phase;
  const node = state.nodes.get(vm.permit.node);
  if (node === undefined) return 'unknown';
  if (node.incarnation?.id !== vm.permit.incarnation) {
    return node.phase === 'fenced' ? 'recovering' : 'unknown';
  }
  if (node.phase === 'fencing' || node.phase === 'blocked') return 'waitingProof';
  const seen = observations.nodes.get(node.id);
  if (isLost(seen, observations, state.settings.timing)) return 'unknown';
  const report = seen?.report ?? null;
  if (report === null || report.domains === null) return 'unknown';
  if (vm.phase !== 'running') return vm.phase;
  return runningState(report.domains.get(vm.id), disarmed !== null);
}

/** Of one that should run. While nothing is started by itself, what ended stays off. */
function runningState(domain: DomainObservation | undefined, isDisarmed: boolean): VmState {
  // A guest that panicked and is preserved stands still as well.
  if (domain?.state === 'paused' || domain?.state === 'crashed') return 'paused';
  return isDisarmed && domain?.active !== true ? 'stopped' : 'running';
}

/** What the nodes report of a VM that Kennel keeps its hands off. */
function ignoredState(vm: VmRecord, state: ClusterState, observations: Observations): VmState {
  let isKnown = vm.permit === null;
  for (const node of state.nodes.values()) {
    const seen = observations.nodes.get(node.id);
    if (isLost(seen, observations, state.settings.timing)) continue;
    const domains = seen?.report?.domains ?? null;
    if (domains === null) continue;
    const domain = domains.get(vm.id);
    if (domain?.active === true) return domain.state === 'paused' ? 'paused' : 'running';
    if (node.id === vm.permit?.node) isKnown = true;
  }
  return isKnown ? 'stopped' : 'unknown';
}
