import { capitalised } from '../../api/schema/kubernetes/kube-form.ts';
import type { HypervisorStatus } from '../../api/schema/kubernetes/hypervisor.ts';
import type { NodeView } from '../../api/schema/views.ts';
import { conditionsOf, verdict, type Verdict } from '../conditions.ts';
import { kubeNodeVerdicts } from '../kube-node/node-verdicts.ts';

/**
 * What a Hypervisor shows of a node. Nothing that changes by itself: ages and leases stay in Kennel.
 * `kube`: what Kubernetes has of the machine; null = its Nodes cannot be seen.
 */
export function hypervisorStatus(
  node: NodeView,
  clusterId: string,
  before: HypervisorStatus,
  nowIso: string,
  kube: Parameters<typeof kubeNodeVerdicts>[1] | null,
): HypervisorStatus {
  return {
    clusterId,
    phase: capitalised(node.state) as HypervisorStatus['phase'],
    address: node.address,
    ...(node.bootId === null ? {} : { bootId: node.bootId }),
    cordoned: node.cordoned,
    maintenance: node.maintenance,
    vms: node.vms,
    capacity: amount(node.capacity),
    allocated: amount(node.used),
    fence: capitalised(node.fenceGrade) as HypervisorStatus['fence'],
    conditions: conditionsOf(
      [...verdictsOf(node), ...(kube === null ? [] : kubeNodeVerdicts(node, kube))],
      before.conditions ?? [],
      { generation: undefined, nowIso },
    ),
  };
}

const amount = ({ vcpus, memoryMiB }: NodeView['capacity']) => ({
  vcpus: Math.round(vcpus),
  memoryMiB: Math.round(memoryMiB),
});

function verdictsOf(node: NodeView): readonly Verdict[] {
  const isOnline = node.state === 'online';
  const isBlocked = node.state === 'blocked';
  const { awaiting } = node.fence ?? { awaiting: [] };
  const isFenceable = node.readiness.length > 0;
  return [
    verdict('Ready', isOnline, isOnline ? 'Online' : 'NotOnline', `it is ${node.state}`),
    schedulable(node, isOnline),
    isFenceable
      ? verdict('FenceConfigured', true, 'FencePathReady', '')
      : verdict('FenceConfigured', false, 'NoFencePath', 'nothing can prove it off'),
    isBlocked
      ? verdict('FenceBlocked', true, 'GuardOrProofMissing', awaiting.join('; '))
      : verdict('FenceBlocked', false, 'NotBlocked', ''),
  ];
}

function schedulable({ cordoned, maintenance }: NodeView, isOnline: boolean): Verdict {
  if (maintenance) return verdict('Schedulable', false, 'Maintenance', '');
  if (cordoned) return verdict('Schedulable', false, 'Cordoned', '');
  return isOnline
    ? verdict('Schedulable', true, 'Open', '')
    : verdict('Schedulable', false, 'NotOnline', '');
}
