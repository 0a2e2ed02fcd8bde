import type { BudgetView, FenceDeviceView } from '../../api/schema/fencing.ts';
import type { FailoverView, FenceView, NodeView, VmView } from '../../api/schema/views.ts';
import { isSetAside } from '../../core/decide/downtime.ts';
import { explainFence } from '../../core/explain/awaiting.ts';
import { fenceGrade, isFenceable } from '../../core/explain/fence-grade.ts';
import { nodeState, vmState } from '../../core/explain/states.ts';
import type { FailoverRecord } from '../../core/model/failover.ts';
import type { FenceOperation } from '../../core/model/fence-operation.ts';
import type { FenceDevice, NodeRecord } from '../../core/model/node.ts';
import type { VmMove } from '../../core/model/move.ts';
import type { VmAction } from '../../core/model/vm-action.ts';
import type { VmRecord, VmSpec } from '../../core/model/vm.ts';
import type { Observations } from '../../core/observations.ts';
import { usageByNode, usageOf } from '../../core/placement/usage.ts';
import { leastMembers } from '../../core/hold/times.ts';
import { recoveryBudget, type RecoveryBudget } from '../../core/timing/recovery-budget.ts';
import type { FenceCare } from '../fence-care.ts';
import type { Mirror } from '../mirror.ts';

/** What an answer is made from: the committed state, and what was seen. */
export interface Sight {
  readonly mirror: Mirror;
  readonly observations: Observations;
  /** Whether the manager that answers leads: only the leader grants leases and runs fences. */
  readonly leads: boolean;
  /** The checks of fence devices, where this manager leads. */
  readonly care: Pick<FenceCare, 'lookAt'> | null;
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
    labels: { ...node.labels },
    cordoned: node.cordoned,
    maintenance: isSetAside(node),
    draining: node.evacuation?.kind === 'drain',
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
    vms: usage.vms,
    readiness: readinessOf(node, mirror),
    fenceGrade: fenceGrade(node, mirror.fences.values()),
    fenceDevices: node.fenceTopology.flatMap((level, index) =>
      level.devices.map((device) => deviceView(node, { device, level: index + 1 }, sight)),
    ),
    ...selfFencingOf(node, sight),
    fence: fence === undefined ? null : fenceView(fence, sight),
  };
}

/** What it attests, and what its recovery may take with that. */
function selfFencingOf(
  node: NodeRecord,
  { mirror, observations }: Sight,
): Pick<NodeView, 'watchdog' | 'budget' | 'peerHold'> {
  const admitted = node.incarnation?.watchdog ?? null;
  const report = observations.nodes.get(node.id)?.report ?? null;
  const told = report?.watchdog ?? null;
  const budget = recoveryBudget(node.fenceTopology, mirror.settings.timing, admitted);
  const { members } = mirror.membership;
  const isMember = members.length >= leastMembers && members.some((one) => one.node === node.id);
  const peerHold =
    admitted !== null && isMember
      ? { members: members.length, held: report?.peerHold?.held ?? false }
      : null;
  return { watchdog: admitted ?? told, budget: budgetView(budget), peerHold };
}

function readinessOf(node: NodeRecord, mirror: Sight['mirror']): string[] {
  return [
    ...(isFenceable(node, mirror.fences.values()) ? ['power'] : []),
    ...(node.incarnation?.isolation === 'selfFencing' ? ['selfFence'] : []),
  ];
}

function deviceView(
  node: NodeRecord,
  { device, level }: { readonly device: FenceDevice; readonly level: number },
  { care, observations }: Sight,
): FenceDeviceView {
  const { id, driver, settings, identity, outlet, settleMs } = device;
  const check = node.fenceChecks?.[id];
  const look = care?.lookAt(id) ?? null;
  return {
    id,
    level,
    driver,
    settings: { ...settings },
    identity,
    outlet,
    settleMs,
    error: check?.error ?? null,
    errorSince: check?.error == null ? null : check.since,
    lastCheck:
      look === null
        ? null
        : {
            ageMs: Math.round(observations.nowMs - look.atMs),
            latencyMs: Math.round(look.report.latencyMs),
            power: look.report.power,
          },
    drill: node.fenceDrills?.[id] ?? null,
  };
}

/** The same with the array types of the API. */
export function budgetView(budget: RecoveryBudget): BudgetView {
  return {
    ...budget,
    levels: budget.levels.map((level) => ({ ...level, devices: [...level.devices] })),
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
    bootId: fence.incarnation.bootId,
    phase: fence.phase,
    requestedBy:
      requestedBy.kind === 'person' ? `${requestedBy.actor}: ${requestedBy.reason}` : 'detector',
    level: fence.level,
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
  const checks = checksOf(vm, observations);
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
    usage: measuredUse(vm, observations),
    move: vm.move === null ? null : moveView(vm.move),
    lock: vm.lock ?? null,
    action: vm.action == null ? null : actionView(vm.action),
    acted: (vm.acted ?? []).map((one) => ({ ...one })),
    ...(vm.snapshots === undefined ? {} : { snapshots: vm.snapshots.map((one) => ({ ...one })) }),
    reason: vm.reason,
    ...(checks === undefined ? {} : { checks: { ...checks } }),
    isProtected:
      vm.desired !== 'ignored' && (node === undefined || isFenceable(node, mirror.fences.values())),
    staged: vm.staged == null ? null : mutableSpec(vm.staged),
    spec: mutableSpec(vm.spec),
  };
}

/** Those of the start that its permit names. */
function checksOf({ id, permit }: VmRecord, { nodes }: Observations): VmView['checks'] {
  const domain = permit === null ? undefined : nodes.get(permit.node)?.report?.domains?.get(id);
  return domain?.permit?.token === permit?.token ? domain?.checks : undefined;
}

/** Of the start that its permit names: what another one used says nothing of it. */
function measuredUse({ id, permit }: VmRecord, { nodes }: Observations): VmView['usage'] {
  const report = permit === null ? null : (nodes.get(permit.node)?.report ?? null);
  if (report?.domains?.get(id)?.permit?.token !== permit?.token) return null;
  const use = report?.usage?.get(id);
  return use === undefined ? null : { cpus: use.cpus, memoryMiB: use.memoryMiB };
}

function actionView(action: VmAction): NonNullable<VmView['action']> {
  const { verb, snapshot, request, by } = action;
  return { verb, ...(snapshot === undefined ? {} : { snapshot }), request, by };
}

function moveView({ from, to, way, migration, cause }: VmMove): NonNullable<VmView['move']> {
  return {
    from,
    to: migration?.target.node ?? to,
    way,
    phase: migration?.phase ?? null,
    cause: cause ?? null,
  };
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

/** As people count: node-2 before node-10. */
export function byName<T extends { readonly name: string }>(views: T[]): T[] {
  return views.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}
