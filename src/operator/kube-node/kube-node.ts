import type { KubeObject } from '../kube/kube-api.ts';
import type { Resource } from '../kube/resource.ts';

/** Nodes of Kubernetes: the same machines as some of ours, or other ones. */
export const kubeNodes: Resource = {
  group: '',
  version: 'v1',
  plural: 'nodes',
  kind: 'Node',
  isNamespaced: false,
};

/** On a Node: which hypervisor it is, where that has another name; empty = none of ours. */
export const hypervisorLabel = 'kennel.dev/hypervisor';

/** Written as it was read, with fields that are not named here. */
export interface KubeTaint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
  readonly timeAdded?: string;
}

interface NodeSpec {
  readonly taints?: readonly KubeTaint[];
}

interface NodeStatus {
  readonly nodeInfo?: { readonly bootID?: string };
}

/** The hypervisor that a Node says it is; null = none. */
export function claimOf({ metadata: { name, labels } }: KubeObject): string | null {
  const claim = labels?.[hypervisorLabel] ?? name;
  return claim === '' ? null : claim;
}

export const taintsOf = ({ spec }: KubeObject): readonly KubeTaint[] =>
  ((spec ?? {}) as NodeSpec).taints ?? [];

/** The boot of its kernel that its kubelet reported last; null = none did. */
export function bootOf({ status }: KubeObject): string | null {
  const boot = ((status ?? {}) as NodeStatus).nodeInfo?.bootID;
  return boot === undefined || boot === '' ? null : boot;
}
