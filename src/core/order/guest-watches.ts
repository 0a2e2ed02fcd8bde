import type { ClusterState } from '../cluster-state.ts';
import { checkKey, type GuestWatch } from '../model/guest.ts';
import type { NodeId, VmId } from '../model/ids.ts';
import type { VmRecord, VmSpec } from '../model/vm.ts';

/** What is asked of one guest, on the node that runs it. */
export interface WatchedGuest {
  readonly vm: VmId;
  readonly watches: readonly GuestWatch[];
}

/** How often a gate is asked that others wait for, how long an answer may take, in ms. */
const gatePace = { intervalMs: 1000, timeoutMs: 3000, failures: 1, graceMs: 0, repeats: false };

/**
 * What the agents are to ask of guests: the health checks of their VMs, and the gates of others that
 * wait for them. Nodes without anything to ask are left out.
 */
export function watchedGuests(
  state: Pick<ClusterState, 'vms'>,
): ReadonlyMap<NodeId, readonly WatchedGuest[]> {
  const gates = gatesByName(state.vms.values());
  const byNode = new Map<NodeId, WatchedGuest[]>();
  for (const vm of state.vms.values()) {
    if (vm.permit === null || vm.desired === 'ignored') continue;
    const watches = watchesOf(vm, gates.get(vm.spec.name));
    if (watches.length === 0) continue;
    const here = byNode.get(vm.permit.node) ?? [];
    here.push({ vm: vm.id, watches });
    byNode.set(vm.permit.node, here);
  }
  return byNode;
}

type Gates = ReadonlyMap<string, GuestWatch>;

/** A health check goes on, so it serves a gate that asks the same as well. */
function watchesOf({ spec }: VmRecord, gates: Gates | undefined): readonly GuestWatch[] {
  const health = spec.guest?.health ?? null;
  if (health === null) return gates === undefined ? [] : [...gates.values()];
  const key = checkKey(health.check);
  const others = [...(gates ?? [])].filter(([other]) => other !== key);
  return [{ ...health, repeats: true }, ...others.map(([, watch]) => watch)];
}

function gatesByName(vms: Iterable<{ readonly spec: VmSpec }>): ReadonlyMap<string, Gates> {
  const found = new Map<string, Map<string, GuestWatch>>();
  for (const { spec } of vms) {
    for (const { vm, gate } of spec.after ?? []) {
      if (gate.kind === 'running' || gate.kind === 'delay') continue;
      const gates = found.get(vm) ?? new Map<string, GuestWatch>();
      gates.set(checkKey(gate), { check: gate, ...gatePace });
      found.set(vm, gates);
    }
  }
  return found;
}
