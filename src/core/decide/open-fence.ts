import type { FenceOperation } from '../model/fence-operation.ts';
import type { NodeRecord } from '../model/node.ts';
import type { Draft } from './draft.ts';

/** Whether the node's record says that this operation is the open one. */
export function openFenceOf(draft: Draft, node: NodeRecord): FenceOperation | undefined {
  const fence = node.fence === null ? undefined : draft.fence(node.fence);
  return fence !== undefined && (fence.phase === 'intent' || fence.phase === 'acting')
    ? fence
    : undefined;
}

/** Nobody asked for it, so guards apply to it. */
export function isAutomatic(fence: FenceOperation): boolean {
  return fence.requestedBy.kind === 'detector' && !fence.override;
}
