import type { ClusterState } from '../cluster-state.ts';
import { healthOf, isNodesTrouble } from '../decide/guest-health.ts';
import { checkKey } from '../model/guest.ts';
import type { VmRecord } from '../model/vm.ts';
import type { Observations } from '../observations.ts';
import type { Finding } from './findings.ts';

/** What is wrong inside of a VM that runs, by the word of its owner. */
export function guestFindings(
  vm: VmRecord,
  state: ClusterState,
  observations: Observations,
): readonly Finding[] {
  const { permit } = vm;
  const node = permit === null ? undefined : state.nodes.get(permit.node);
  if (vm.phase !== 'running' || vm.desired !== 'running' || node === undefined) return [];
  const domain = observations.nodes.get(node.id)?.report?.domains?.get(vm.id);
  const { name, guest } = vm.spec;
  if (domain?.active === true && domain.state === 'crashed') {
    return [
      {
        code: 'VM_PANICKED',
        severity: 'critical',
        subject: name,
        text: `its guest panicked on ${node.id} and is kept as it is`,
        try: [`virsh dump ${name} FILE, on ${node.id}`, `kennel vm stop ${name} --force`],
      },
    ];
  }
  const health = guest?.health ?? null;
  if (health === null || healthOf(vm, domain) !== 'ill') return [];
  const why = isNodesTrouble({ state, observations }, node)
    ? `as every check over the network of ${node.id}, so no guest is restarted for it`
    : 'it is about to be restarted';
  return [
    {
      code: 'VM_ILL',
      severity: 'warning',
      subject: name,
      text: `its health check does not pass (${checkKey(health.check)}); ${why}`,
      try: [`kennel explain ${name}`],
    },
  ];
}

/** A start that was recorded and is not sent yet; null = there is none. */
export function queuedStart(
  vm: VmRecord,
  state: ClusterState,
  { commands }: Observations,
): string | null {
  if (vm.operation?.kind !== 'start' || vm.permit === null) return null;
  if (commands.has(vm.operation.id)) return null;
  const { maxStartsPerNode, maxStartsPerStorage } = state.settings;
  return `its start on ${vm.permit.node} is not sent yet: at most ${maxStartsPerNode} start at once on a node, ${maxStartsPerStorage} on a storage, the important ones first`;
}
