import type { FailoverView, FenceView, NodeView, VmView } from '../../api/schema/views.ts';
import { explainFence } from '../../core/explain/awaiting.ts';
import { nodeState, vmState } from '../../core/explain/states.ts';
import type { FailoverRecord } from '../../core/model/failover.ts';
import type { FenceOperation } from '../../core/model/fence-operation.ts';
import type { VmMove } from '../../core/model/move.ts';
import type { NodeRecord } from '../../core/model/node.ts';
import type { VmRecord, VmSpec } from '../../core/model/vm.ts';
import type { Observations } from '../../core/observations.ts';
import { usageByNode, usageOf } from '../../core/placement/usage.ts';
import type { Mirror } from '../mirror.ts';

/** What an answer is made from: the committed state, and what was seen. */
export interface Sight {
  readonly mirror: Mirror;
  readonly observations: Observations;
  /** Whether the manager that answers leads: only the leader grants leases and runs fences. */
  readonly leads: boolean;
}

/** A node with what is seen of it now. Ages and the rest of its lease are in ms. */
export function nodeView(node: NodeRecord, sight: Sight): NodeView {
  const { mirror, observations } = sight;
  const seen = observations.nodes.get(node.id);
  const usage = usageOf(usageByNode(mirror.vms.values()), node.id);
  const fence = node.fence === null ? undefined : mirror.fences.get(node.fence);
  const { leaseTtlMs } = mirror.settings.timing;
  const leaseMs =
    node.incarnation === null || seen?.lastLeaseMs == null
      ? null
      : Math.round(seen.lastLeaseMs + leaseTtlMs - observations.nowMs);
  return {
    name: node.id,
    state: nodeState(node, mirror, observations),
    address: node.address,
    cordoned: node.cordoned,
    maintenance: node.maintenance,
    isolation: node.incarnation?.isolation ?? null,
    incarnation: node.incarnation?.id ?? null,
    bootId: node.incarnation?.bootId ?? null,
    lastSeenMs:
      seen?.lastHeartbeatMs == null ? null : Math.round(observations.nowMs - seen.lastHeartbeatMs),
    leaseMs: sight.leads && leaseMs !== null && leaseMs > 0 ? leaseMs : null,
    leaseIsKnown: sight.leads,
    hypervisor: seen?.report?.hypervisor ?? 'unknown',
    capacity: node.capacity,
    used: { memoryMiB: usage.memoryMiB, vcpus: usage.vcpus },
    vms: usage.vms.size,
    readiness: node.fenceTopology.length > 0 ? ['power'] : [],
    fenceDevices: node.fenceTopology.flatMap((level, index) =>
      level.devices.map((device) => ({
        ...device,
        level: index + 1,
        settings: { ...device.settings },
      })),
    ),
    fence: fence === undefined ? null : fenceView(fence, sight),
  };
}

/**
 * A fence operation, with the last reading of each device and what a proof still wants. Readings are
 * there while this manager executes it.
 */
export function fenceView(fence: FenceOperation, { mirror, observations }: Sight): FenceView {
  const execution = observations.fences.get(fence.id);
  const latest = new Map((execution?.readings ?? []).map((reading) => [reading.device, reading]));
  const { requestedBy } = fence;
  return {
    id: fence.id,
    node: fence.node,
    phase: fence.phase,
    requestedBy:
      requestedBy.kind === 'person' ? `${requestedBy.actor}: ${requestedBy.reason}` : 'detector',
    proof: fence.proof === null ? null : { ...fence.proof },
    attempts: fence.attempts.map((attempt) => ({ ...attempt })),
    lastReadings: [...latest.values()].map((reading) => ({
      device: reading.device,
      power: reading.power,
      ageMs: Math.round(observations.nowMs - reading.atMs),
      error: execution?.errors.get(reading.device)?.code ?? null,
    })),
    awaiting: [...explainFence(fence, mirror, observations).awaiting],
  };
}

/** A VM with the state that its owner's reports show. */
export function vmView(vm: VmRecord, { mirror, observations }: Sight): VmView {
  const node = vm.permit === null ? undefined : mirror.nodes.get(vm.permit.node);
  return {
    id: vm.id,
    name: vm.spec.name,
    state: vmState(vm, mirror, observations),
    desired: vm.desired,
    node: vm.permit?.node ?? null,
    priority: vm.spec.priority,
    permit: vm.permit,
    memoryMiB: vm.spec.memoryMiB,
    vcpus: vm.spec.vcpus,
    move: vm.move === null ? null : moveView(vm.move),
    reason: vm.reason,
    isProtected: vm.desired !== 'ignored' && (node === undefined || node.fenceTopology.length > 0),
    spec: mutableSpec(vm.spec),
  };
}

function moveView({ from, to, way, migration }: VmMove): NonNullable<VmView['move']> {
  return { from, to: migration?.target.node ?? to, way, phase: migration?.phase ?? null };
}

/** The same spec with the array types of the API. */
function mutableSpec(spec: VmSpec): VmView['spec'] {
  return {
    ...spec,
    disks: [...spec.disks],
    interfaces: [...spec.interfaces],
    separateFrom: [...spec.separateFrom],
    nodes: [...spec.nodes],
  };
}

/** A failover record as it is kept, its place in the hash chain included. */
export function failoverView(record: FailoverRecord): FailoverView {
  const { kind: _, ...rest } = record;
  return {
    ...rest,
    proof: record.proof === null ? null : { ...record.proof },
    vms: record.vms.map((vm) => ({ ...vm })),
  };
}
