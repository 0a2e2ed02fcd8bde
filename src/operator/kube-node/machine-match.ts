import type { NodeView } from '../../api/schema/views.ts';
import type { KubeObject } from '../kube/kube-api.ts';
import { bootOf } from './kube-node.ts';

/**
 * Which Node of Kubernetes is the same machine as a hypervisor. A name is a claim; a boot id is shared by
 * everything that runs on one kernel and by nothing else, so equal ones prove it.
 *
 * - `none`: no Node claims it.
 * - `several`: more than one does, and none is believed.
 * - `unknown`: one does, and either its kubelet or its agent has told no boot.
 * - `other`: one does, of another boot: another machine, or one that has restarted a moment ago.
 * - `same`: it is that one.
 */
export type MachineMatch =
  | { readonly kind: 'none' }
  | { readonly kind: 'several'; readonly names: readonly string[] }
  | { readonly kind: 'unknown'; readonly name: string; readonly silent: 'kubelet' | 'agent' }
  | {
      readonly kind: 'other';
      readonly name: string;
      readonly kubelet: string;
      readonly agent: string;
    }
  | { readonly kind: 'same'; readonly node: KubeObject; readonly bootId: string };

export function matchOf(view: NodeView, claimants: readonly KubeObject[]): MachineMatch {
  const [node] = claimants;
  if (node === undefined) return { kind: 'none' };
  if (claimants.length > 1) {
    return { kind: 'several', names: claimants.map(({ metadata }) => metadata.name).sort() };
  }
  const { name } = node.metadata;
  const kubelet = bootOf(node);
  if (kubelet === null) return { kind: 'unknown', name, silent: 'kubelet' };
  const agent = view.bootId ?? view.fence?.bootId ?? null;
  if (agent === null) return { kind: 'unknown', name, silent: 'agent' };
  return kubelet === agent
    ? { kind: 'same', node, bootId: kubelet }
    : { kind: 'other', name, kubelet, agent };
}
