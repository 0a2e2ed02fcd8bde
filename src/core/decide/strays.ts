import type { BootId, NodeId, VmId } from '../model/ids.ts';
import type { NodeRecord } from '../model/node.ts';
import type { VmRecord, VmStray } from '../model/vm.ts';
import type { NodeObservation } from '../observations.ts';
import { isLost } from '../timing/silence.ts';
import { isLeftAlone } from './arming.ts';
import type { Draft } from './draft.ts';
import { isAdmitted } from './ownership.ts';

/**
 * A report that came within this time of a change of the VM's phase may have been made before it,
 * in ms: the domain of an owner that released it a moment ago is no stray.
 */
const reportLagMs = 1000;

/**
 * Records where a VM was started by somebody else's hand (FAILURES V15). It is told to stop there
 * (`leftoversOn`), but should the node fall silent first, only a record can say that the VM may
 * still run on it: it then counts as held by that node, which is proven dead before the VM is
 * given to another.
 */
export function decideStrays(draft: Draft): void {
  const active = activeElsewhere(draft);
  for (const vm of draft.vms()) {
    if (draft.isFull()) return;
    if (isLeftAlone(draft, vm)) {
      if (vm.strays.length > 0) draft.put({ ...vm, strays: [] });
      continue;
    }
    if (vm.strays.length === 0 && !active.has(vm.id)) continue;
    const left = vm.strays.filter((stray) => !isGone(draft, vm, stray));
    const fresh = freshStrays(draft, vm, active.get(vm.id) ?? []).filter(
      (one) => !left.some((other) => other.node === one.node && other.bootId === one.bootId),
    );
    if (fresh.length === 0 && left.length === vm.strays.length) continue;
    draft.put({ ...vm, strays: [...left, ...fresh] });
    // A person had every right to start a VM that was ignored: it is taken over (`recovery.ts`).
    if (vm.adopting) continue;
    for (const stray of fresh) {
      draft.event({
        code: 'VM_STRAY',
        severity: 'critical',
        node: stray.node,
        vm: vm.id,
        text: `${vm.spec.name} was started on ${stray.node} without a permit; it is stopped there`,
      });
    }
  }
}

/** VMs that this boot of the node may run without a right to. */
export function straysOn(draft: Draft, node: NodeId, boot: BootId): readonly VmRecord[] {
  return draft
    .vms()
    .filter((vm) => vm.strays.some((stray) => stray.node === node && stray.bootId === boot));
}

interface Sighting extends VmStray {
  /** When the report came that shows it; monotonic ms. */
  readonly receivedMs: number;
}

/** VMs of the cluster that admitted nodes say run on them without being their owner, and where. */
function activeElsewhere(draft: Draft): ReadonlyMap<VmId, readonly Sighting[]> {
  const sightings = new Map<VmId, Sighting[]>();
  for (const [id, seen] of draft.observations.nodes) {
    const node = draft.node(id);
    const domains = seen.report?.domains ?? null;
    if (node?.incarnation == null || seen.report === null || domains === null) continue;
    if (!isAdmitted(node) || !speaks(draft, node, seen)) continue;
    const { receivedMs } = seen.report;
    for (const domain of domains.values()) {
      const vm = domain.active ? draft.vm(domain.vm) : undefined;
      if (vm === undefined || vm.permit?.node === id) continue;
      if (vm.move?.migration?.target.node === id) continue;
      const sighting = { node: id, bootId: node.incarnation.bootId, receivedMs };
      const others = sightings.get(vm.id);
      if (others === undefined) sightings.set(vm.id, [sighting]);
      else others.push(sighting);
    }
  }
  return sightings;
}

function freshStrays(
  draft: Draft,
  vm: VmRecord,
  sightings: readonly Sighting[],
): readonly VmStray[] {
  const sinceMs = draft.observations.vmPhaseSinceMs.get(vm.id) ?? 0;
  return sightings
    .filter(({ receivedMs }) => receivedMs >= sinceMs + reportLagMs)
    .map(({ node, bootId }) => ({ node, bootId }));
}

/** The admitted incarnation itself says it now. */
function speaks(draft: Draft, node: NodeRecord, seen: NodeObservation): boolean {
  return (
    seen.sessionOpen &&
    seen.incarnation?.id === node.incarnation?.id &&
    seen.report?.incarnation === node.incarnation?.id &&
    !isLost(seen, draft.observations, draft.state.settings.timing)
  );
}

/** The boot is over, its node is gone, it says that the domain is, or the VM is its own by now. */
function isGone(draft: Draft, vm: VmRecord, stray: VmStray): boolean {
  const node = draft.node(stray.node);
  if (node === undefined || vm.permit?.node === stray.node) return true;
  // Another boot is admitted only when it lived after this one.
  if (node.incarnation !== null && node.incarnation.bootId !== stray.bootId) return true;
  if (isBootProvenDead(draft, stray.bootId)) return true;
  const seen = draft.observations.nodes.get(stray.node);
  if (seen?.incarnation?.bootId !== stray.bootId || !speaks(draft, node, seen)) return false;
  return seen.report?.domains != null && seen.report.domains.get(vm.id)?.active !== true;
}

/** A node that fenced itself lives on, and killed only what its petter was told of. */
function isBootProvenDead(draft: Draft, boot: BootId): boolean {
  return draft
    .fences()
    .some(
      (fence) =>
        fence.incarnation.bootId === boot &&
        fence.proof !== null &&
        fence.proof.kind !== 'selfFence' &&
        (fence.phase === 'proven' || fence.phase === 'closed'),
    );
}
