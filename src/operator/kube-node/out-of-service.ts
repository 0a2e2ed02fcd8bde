import { z } from 'zod';
import type { FenceView, NodeView } from '../../api/schema/views.ts';
import type { KubeObject } from '../kube/kube-api.ts';
import { taintsOf, type KubeTaint } from './kube-node.ts';
import type { MachineMatch } from './machine-match.ts';

/** Kubernetes acts on the key alone: it deletes the Node's pods by force and detaches their volumes. */
const taintKey = 'node.kubernetes.io/out-of-service';
const taintValue = 'nodeshutdown';
const taintEffect = 'NoExecute';

/** On a Node: that its taint is ours, and which proof it stands on. */
export const markAnnotation = 'kennel.dev/out-of-service';

const markSchema = z.strictObject({
  clusterId: z.string(),
  hypervisor: z.string(),
  fence: z.string(),
  bootId: z.string(),
  proof: z.string(),
  /** Of the taint: which one it is, of those that look alike. */
  timeAdded: z.string(),
});

export type TaintMark = z.output<typeof markSchema>;

/** What stands on a Node of ours; null = nothing, or nothing that can be read. */
export function markOf({ metadata }: KubeObject): TaintMark | null {
  const text = metadata.annotations?.[markAnnotation];
  if (text === undefined) return null;
  try {
    return markSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * What a proof says of everything that ran on the machine. `all`: it is over, containers too. `vms`: the
 * node has killed its VMs, or their disks were cut off, and the rest may run on. `back`: it runs again, and
 * its kubelet looks after its pods.
 */
export function reachOf(proof: NonNullable<FenceView['proof']>['kind']): 'all' | 'vms' | 'back' {
  switch (proof) {
    case 'powerOff':
    case 'kdump':
    case 'attested':
      return 'all';
    case 'selfFence':
    case 'storageCut':
      return 'vms';
    case 'newBoot':
      return 'back';
    default:
      return proof satisfies never;
  }
}

/** The fence operation whose proof says that the machine is off; null = there is none. */
export function offProofOf({ state, fence }: NodeView): FenceView | null {
  if (state !== 'fenced' || fence?.proof == null) return null;
  return reachOf(fence.proof.kind) === 'all' ? fence : null;
}

/** What is to be done about one Node. `stays`: nothing, because it is as it should be or not ours. */
export type TaintPlan =
  | { readonly kind: 'stays' }
  | { readonly kind: 'set'; readonly fence: FenceView }
  | { readonly kind: 'lift'; readonly mark: TaintMark };

export interface TaintSight {
  readonly clusterId: string;
  /** The hypervisor that the Node says it is, and whether it is. */
  readonly claimed: { readonly view: NodeView; readonly match: MachineMatch } | null;
  /** The hypervisor that the mark on the Node names; null = Kennel has none of that name. */
  readonly marked: NodeView | null;
}

/**
 * The taint is set for a boot that is proven over, on a Node whose kubelet has reported no later one, and
 * lifted when that proof stands no more: its hypervisor is admitted anew, was fenced anew, is gone, or the
 * proof was revoked. A mark without its taint means that a person has lifted it, who is not fought.
 */
export function planTaint(node: KubeObject, { clusterId, claimed, marked }: TaintSight): TaintPlan {
  const mark = markOf(node);
  if (mark === null && node.metadata.annotations?.[markAnnotation] !== undefined) {
    return { kind: 'stays' };
  }
  if (mark !== null) {
    if (mark.clusterId !== clusterId || isDue(mark, marked)) return { kind: 'stays' };
  }
  const foreign = taintsOf(node).some((one) => one.key === taintKey && !isOurs(one, mark));
  const fence = claimed === null ? null : offProofOf(claimed.view);
  const isSame = claimed?.match.kind === 'same' && claimed.match.bootId === fence?.bootId;
  if (fence !== null && isSame && !foreign) return { kind: 'set', fence };
  return mark === null ? { kind: 'stays' } : { kind: 'lift', mark };
}

/** Its proof still stands. An operation that was forgotten since says nothing against it. */
function isDue(mark: TaintMark, marked: NodeView | null): boolean {
  if (marked?.state !== 'fenced') return false;
  return marked.fence === null || (marked.fence.id === mark.fence && offProofOf(marked) !== null);
}

const isOurs = ({ key, value, effect, timeAdded }: KubeTaint, mark: TaintMark | null): boolean =>
  key === taintKey &&
  value === taintValue &&
  effect === taintEffect &&
  mark !== null &&
  timeAdded === mark.timeAdded;

/** Whether the taint of the mark, or one of somebody else that does the same, is on the Node. */
export function taintOn(node: KubeObject): 'ours' | 'foreign' | 'none' {
  const mark = markOf(node);
  const those = taintsOf(node).filter(({ key }) => key === taintKey);
  if (those.some((one) => isOurs(one, mark))) return 'ours';
  return those.length > 0 ? 'foreign' : 'none';
}

/**
 * The change of a Node, as a merge patch. Taints are one field to server-side apply, so whoever applies one
 * owns them all; instead the list is written as it was read, and the version that it was read at makes the
 * server refuse the change where anybody, its kubelet above all, has written since. `mark` null lifts.
 */
export function taintPatch(node: KubeObject, mark: TaintMark | null): object {
  const others = taintsOf(node).filter((one) => !isOurs(one, markOf(node)));
  const ours: KubeTaint[] =
    mark === null
      ? []
      : [{ key: taintKey, value: taintValue, effect: taintEffect, timeAdded: mark.timeAdded }];
  return {
    metadata: {
      uid: node.metadata.uid,
      resourceVersion: node.metadata.resourceVersion,
      annotations: { [markAnnotation]: mark === null ? null : JSON.stringify(mark) },
    },
    spec: { taints: [...others, ...ours] },
  };
}
