import type { NodeView } from '../../api/schema/views.ts';
import { verdict, type Verdict } from '../conditions.ts';
import type { KubeObject } from '../kube/kube-api.ts';
import { hypervisorLabel } from './kube-node.ts';
import { matchOf, type MachineMatch } from './machine-match.ts';
import { markOf, offProofOf, reachOf, taintOn } from './out-of-service.ts';

/** What a hypervisor shows of the Node of Kubernetes that is the same machine. */
export function kubeNodeVerdicts(
  view: NodeView,
  kube: {
    /** Nodes that say they are it. */
    readonly claimants: readonly KubeObject[];
    /** VMs whose room its kubelet has not granted; null = it is not asked for. */
    readonly unreserved: readonly string[] | null;
  },
): readonly Verdict[] {
  const { claimants, unreserved } = kube;
  const match = matchOf(view, claimants);
  const matching = matchVerdict(match);
  if (match.kind === 'none') return [matching];
  return [
    matching,
    outOfService(view, match, claimants),
    ...(unreserved === null ? [] : [reserved(unreserved)]),
  ];
}

function reserved(unreserved: readonly string[]): Verdict {
  const type = 'CapacityReserved';
  return unreserved.length === 0
    ? verdict(type, true, 'NothingRefused', '')
    : verdict(type, false, 'RefusedByKubelet', `for ${unreserved.toSorted().join(', ')}`);
}

function matchVerdict(match: MachineMatch): Verdict {
  const type = 'KubernetesNode';
  switch (match.kind) {
    case 'none':
      return verdict(type, false, 'NoNode', `no Node has its name or the label ${hypervisorLabel}`);
    case 'several':
      return verdict(
        type,
        false,
        'SeveralNodes',
        `${match.names.join(', ')} say they are it; label all but one of them ${hypervisorLabel}=""`,
      );
    case 'unknown':
      return verdict(
        type,
        null,
        'BootUnknown',
        `${match.name} says it is it; its ${match.silent} has told no boot id yet`,
      );
    case 'other':
      return verdict(
        type,
        false,
        'OtherBoot',
        `${match.name} says it is it; its kubelet reported boot ${match.kubelet}, its agent ${match.agent}`,
      );
    case 'same':
      return verdict(type, true, 'SameMachine', match.node.metadata.name);
    default:
      return match satisfies never;
  }
}

function outOfService(
  view: NodeView,
  match: MachineMatch,
  claimants: readonly KubeObject[],
): Verdict {
  const type = 'OutOfService';
  const marked = claimants.find((node) => markOf(node)?.hypervisor === view.name);
  const mark = marked === undefined ? null : markOf(marked);
  if (marked !== undefined && mark !== null) {
    const said = `${marked.metadata.name}, by ${mark.proof} of ${mark.fence}`;
    return taintOn(marked) === 'ours'
      ? verdict(type, true, 'ProvenOff', said)
      : verdict(type, false, 'LiftedByOthers', said);
  }
  if (match.kind === 'same' && taintOn(match.node) === 'foreign') {
    return verdict(type, true, 'SetByOthers', `the taint of ${match.node.metadata.name} stays`);
  }
  const { fence } = view;
  if (view.state !== 'fenced' || fence?.proof == null) {
    return verdict(type, false, 'NotProvenOff', '');
  }
  if (offProofOf(view) === null) {
    return reachOf(fence.proof.kind) === 'vms'
      ? verdict(type, false, 'OnlyVmsProvenOff', `${fence.proof.kind} says nothing of containers`)
      : verdict(type, false, 'RunsAgain', 'its kubelet looks after its pods');
  }
  return match.kind === 'same'
    ? verdict(type, false, 'NotYetSet', '')
    : verdict(type, false, 'NodeNotCertain', 'see KubernetesNode');
}
