import { isDeepStrictEqual } from 'node:util';
import { capitalised } from '../../api/schema/kubernetes/kube-form.ts';
import type { VirtualMachineStatus } from '../../api/schema/kubernetes/virtual-machine.ts';
import type { NodeView, VmView } from '../../api/schema/views.ts';
import { conditionsOf, verdict, type Verdict } from '../conditions.ts';
import type { KubeObject } from '../kube/kube-api.ts';
import type { Sync } from '../pushed.ts';

export interface VmSight {
  readonly clusterId: string;
  readonly epoch: number;
  readonly vm: VmView | null;
  /** Its owner; null when nobody owns it. */
  readonly node: NodeView | null;
}

/** The whole status of a VirtualMachine, made of what Kennel says of its VM. */
export function vmStatus(
  object: KubeObject,
  sight: VmSight,
  sync: Sync,
  nowIso: string,
): VirtualMachineStatus {
  const before = (object.status ?? {}) as VirtualMachineStatus;
  const { generation } = object.metadata;
  const { vm, node } = sight;
  const isSameCluster = before.clusterId === sight.clusterId;
  const token = largest(isSameCluster ? before.token : undefined, vm?.permit?.token);
  const verdicts = [
    ...(vm === null ? [notCreated(sync)] : verdictsOf(vm, node)),
    { type: 'Synced', ...sync },
  ];
  const made: VirtualMachineStatus = {
    clusterId: sight.clusterId,
    ...(vm === null
      ? {}
      : {
          vm: vm.name,
          uuid: vm.id,
          phase: capitalised(vm.state) as VirtualMachineStatus['phase'],
        }),
    ...(vm?.node == null ? {} : { hypervisor: vm.node }),
    epoch: largest(isSameCluster ? before.epoch : undefined, sight.epoch),
    ...(token === undefined ? {} : { token }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: conditionsOf(verdicts, before.conditions ?? [], { generation, nowIso }),
  };
  return made;
}

/** A new leadership alone is not worth a write per VM. */
export function isWorthWriting(
  before: VirtualMachineStatus | undefined,
  after: VirtualMachineStatus,
): boolean {
  const essence = (status: VirtualMachineStatus | undefined): string =>
    JSON.stringify(sorted({ ...status, epoch: undefined }));
  return essence(before) !== essence(after);
}

/** In the order in which the server may have put the keys, nothing is different. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}

const largest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);

const notCreated = (sync: Sync): Verdict => verdict('Ready', false, 'NotCreated', sync.message);

function verdictsOf(vm: VmView, node: NodeView | null): readonly Verdict[] {
  const waits = vm.state === 'waitingProof';
  const isBlocked = waits && node?.state === 'blocked';
  const awaiting = node?.fence?.awaiting.join('; ') ?? '';
  return [
    readyOf(vm),
    protectedOf(vm),
    waits
      ? verdict('AwaitingProof', true, 'ProofMissing', awaiting)
      : verdict('AwaitingProof', false, 'NotWaiting', ''),
    isBlocked
      ? verdict('FenceBlocked', true, 'GuardOrProofMissing', awaiting)
      : verdict('FenceBlocked', false, 'NotBlocked', ''),
    migratableOf(vm),
    restartRequired(vm),
  ];
}

function readyOf({ state, desired, reason }: VmView): Verdict {
  const message = reason ?? '';
  if (desired === 'ignored') return verdict('Ready', null, 'LeftToPeople', 'it is left to people');
  if (state === 'waitingProof') return verdict('Ready', false, 'WaitingForProof', message);
  if (state === 'failed') return verdict('Ready', false, 'Failed', message);
  const isRunning = state === 'running' || state === 'migrating';
  const isAsDesired = desired === 'running' ? isRunning : state === 'stopped';
  return isAsDesired
    ? verdict('Ready', true, 'AsDesired', `it is ${state}`)
    : verdict('Ready', false, 'NotYet', message === '' ? `it is ${state}` : message);
}

function protectedOf({ isProtected, desired, node }: VmView): Verdict {
  if (desired === 'ignored') {
    return verdict('Protected', false, 'LeftToPeople', 'failover does not touch it');
  }
  return isProtected
    ? verdict('Protected', true, 'FencePathReady', '')
    : verdict('Protected', false, 'NoFencePath', `${node ?? 'its node'} cannot be proven off`);
}

function migratableOf({ spec: { definition } }: VmView): Verdict {
  if (definition.kind === 'xml') {
    return verdict('LiveMigratable', null, 'ForeignDefinition', 'it is defined by XML of its own');
  }
  const devices = definition.hardware?.hostDevices ?? [];
  return devices.length === 0
    ? verdict('LiveMigratable', true, 'NothingHolds', '')
    : verdict('LiveMigratable', false, 'HostDevices', `it holds ${devices.join(', ')}`);
}

function restartRequired({ spec, staged }: VmView): Verdict {
  if (staged === null) return verdict('RestartRequired', false, 'NothingWaits', '');
  const waiting = Object.entries(staged).flatMap(([field, value]) =>
    isDeepStrictEqual(value, spec[field as keyof typeof spec]) ? [] : [field],
  );
  const message = `${waiting.join(', ')} as in its object once it is stopped or restarted`;
  return verdict('RestartRequired', true, 'EditWaits', message);
}
