import type { FenceOperation } from '../model/fence-operation.ts';
import type { NodeRecord } from '../model/node.ts';
import type { VmRecord } from '../model/vm.ts';
import { closedBecause } from './closed-nodes.ts';
import { freezes } from './downtime.ts';
import type { Draft } from './draft.ts';
import { isHeard } from './nodes.ts';

/**
 * How long after it began to listen a leader lets a VM wait for the node that it belongs to, in ms.
 * When a whole site gets its power back the nodes come one by one, and the first must not be given
 * the VMs of all (FAILURES N19).
 */
const siteStartMs = 60_000;

/**
 * Why a VM that nobody owns waits for its home; null = it does not. `fence` is the proof that freed
 * it, if there is one. It never waits for a node that was lost (N8), is proven dead and silent, or
 * may not take it.
 */
export function awaitedHome(
  draft: Draft,
  vm: VmRecord,
  fence: FenceOperation | null,
): string | null {
  if (fence !== null && !isReturn(fence)) return null;
  const { observations } = draft;
  const frozen = fence === null ? null : awaitedBoot(draft, fence);
  if (frozen !== null) return frozen;
  if (observations.nowMs >= observations.observingSinceMs + siteStartMs) return null;
  const node = vm.home === null ? undefined : draft.node(vm.home);
  if (node === undefined || node.cordoned || isKeptEmpty(node)) return null;
  if (vm.tries.nodes.includes(node.id)) return null;
  if (vm.spec.nodes.length > 0 && !vm.spec.nodes.includes(node.id)) return null;
  const closed = closedBecause(draft, node);
  if (closed === null) return null;
  const mayCome = node.phase === 'joining' || node.phase === 'online';
  if (!mayCome && !isHeard(draft, observations.nodes.get(node.id))) return null;
  return `waits for ${node.id}, where it belongs (${closed})`;
}

/** By people. A node that was emptied for its own reboot takes VMs again after it. */
function isKeptEmpty({ evacuation }: NodeRecord): boolean {
  return evacuation !== undefined && evacuation.kind !== 'shutdown';
}

/** A frozen VM waits for the node that said that it would be back, once it has booted. */
function awaitedBoot(draft: Draft, fence: FenceOperation): string | null {
  const node = draft.node(fence.node);
  if (node?.downtime === undefined || !freezes(node.downtime)) return null;
  const { nowMs, fencePhaseSince } = draft.observations;
  const provenMs = fencePhaseSince.get(fence.id)?.ms ?? nowMs;
  if (nowMs >= provenMs + draft.state.settings.rebootPatienceMs) return null;
  return `waits for ${node.id}, which went down as it said`;
}

/** Opened because the node was there with another boot, not because it was missed. */
export function isReturn(fence: FenceOperation): boolean {
  const { requestedBy } = fence;
  return requestedBy.kind === 'detector' && requestedBy.evidence.length === 0;
}
