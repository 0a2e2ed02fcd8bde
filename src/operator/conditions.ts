import type { Condition } from '../api/schema/kubernetes/conditions.ts';
import type { ProblemCode } from '../core/problem.ts';

/** Why a condition is as it is: every reason that the operator ever writes. */
export type Reason =
  // Synced
  | 'Accepted'
  | 'InvalidSpec'
  | 'ChangedElsewhere'
  | 'ManagersUnavailable'
  | 'Deleting'
  | 'NodeTaken'
  | Refusal
  // Ready
  | 'AsDesired'
  | 'NotYet'
  | 'NotCreated'
  | 'Failed'
  | 'WaitingForProof'
  // Protected, FenceConfigured
  | 'FencePathReady'
  | 'NoFencePath'
  | 'LeftToPeople'
  // AwaitingProof, FenceBlocked
  | 'ProofMissing'
  | 'NotWaiting'
  | 'GuardOrProofMissing'
  | 'NotBlocked'
  // LiveMigratable
  | 'NothingHolds'
  | 'HostDevices'
  | 'ForeignDefinition'
  // RestartRequired
  | 'EditWaits'
  | 'NothingWaits'
  // Schedulable
  | 'Open'
  | 'Cordoned'
  | 'Maintenance'
  | 'NotOnline'
  | 'Online'
  // KubernetesNode
  | 'SameMachine'
  | 'NoNode'
  | 'SeveralNodes'
  | 'OtherBoot'
  | 'BootUnknown'
  // OutOfService
  | 'ProvenOff'
  | 'NotProvenOff'
  | 'OnlyVmsProvenOff'
  | 'RunsAgain'
  | 'NodeNotCertain'
  | 'SetByOthers'
  | 'LiftedByOthers'
  | 'NotYetSet'
  // CapacityReserved
  | 'NothingRefused'
  | 'RefusedByKubelet';

/** What Kennel refuses a VM for. */
export type Refusal =
  | 'NameTaken'
  | 'UuidTaken'
  | 'MacTaken'
  | 'DiskTaken'
  | 'DiskLocal'
  | 'NoCapacity'
  | 'Conflict'
  | 'Refused';

const refusals: Partial<Record<ProblemCode, Refusal>> = {
  E_NAME_TAKEN: 'NameTaken',
  E_UUID_TAKEN: 'UuidTaken',
  E_MAC_TAKEN: 'MacTaken',
  E_DISK_TAKEN: 'DiskTaken',
  E_DISK_LOCAL: 'DiskLocal',
  E_CAPACITY: 'NoCapacity',
  E_CONFLICT: 'Conflict',
};

export const refusalOf = (code: ProblemCode): Refusal => refusals[code] ?? 'Refused';

/** A condition before it has a time. */
export interface Verdict {
  readonly type: string;
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
}

export function verdict(
  type: string,
  holds: boolean | null,
  reason: Reason,
  message: string,
): Verdict {
  return { type, status: holds === null ? 'Unknown' : holds ? 'True' : 'False', reason, message };
}

/** Conditions as they are written: the time is that of the last change of the status alone. */
export function conditionsOf(
  verdicts: readonly Verdict[],
  before: readonly Condition[],
  options: { readonly generation: number | undefined; readonly nowIso: string },
): Condition[] {
  return verdicts.map((one) => {
    const known = before.find((condition) => condition.type === one.type);
    const lastTransitionTime =
      known !== undefined && known.status === one.status
        ? known.lastTransitionTime
        : options.nowIso.replace(/\.\d+Z$/, 'Z');
    return {
      ...one,
      lastTransitionTime,
      ...(options.generation === undefined ? {} : { observedGeneration: options.generation }),
    };
  });
}
