import type { Epoch, FailoverId, FenceId, ManagerId, NodeId, Token, VmId } from './model/ids.ts';
import type { FailoverRecord } from './model/failover.ts';
import type { FenceOperation } from './model/fence-operation.ts';
import type { AlertRecord } from './model/alert.ts';
import type { ArmingRecord } from './model/arming.ts';
import type { GovernorRecord } from './model/governor.ts';
import type { ManagerRecord, Roster } from './model/manager.ts';
import type { MembershipRecord } from './model/membership.ts';
import type { NodeRecord } from './model/node.ts';
import type { PlacementRule, RuleId } from './model/placement-rule.ts';
import type { ClusterSettings } from './model/settings.ts';
import type { VmRecord } from './model/vm.ts';

/** Numbers given out so far; a fence operation and its failover share one. */
export interface Counters {
  readonly kind: 'counters';
  readonly fence: number;
  /** Highest token of any VM that was deleted: one that comes again under its UUID goes on from it. */
  readonly token: Token;
}

/** Everything committed that decisions rest on. The leader's mirror of the store. */
export interface ClusterState {
  readonly epoch: Epoch;
  readonly settings: ClusterSettings;
  readonly counters: Counters;
  readonly roster: Roster;
  readonly governor: GovernorRecord;
  readonly arming: ArmingRecord;
  readonly membership: MembershipRecord;
  readonly alerts: ReadonlyMap<string, AlertRecord>;
  readonly managers: ReadonlyMap<ManagerId, ManagerRecord>;
  readonly nodes: ReadonlyMap<NodeId, NodeRecord>;
  readonly vms: ReadonlyMap<VmId, VmRecord>;
  readonly rules: ReadonlyMap<RuleId, PlacementRule>;
  readonly fences: ReadonlyMap<FenceId, FenceOperation>;
  readonly failovers: ReadonlyMap<FailoverId, FailoverRecord>;
}

/** Any committed object of the cluster, with the key it lives under. */
export type ClusterObject =
  | ClusterSettings
  | Counters
  | Roster
  | GovernorRecord
  | ArmingRecord
  | MembershipRecord
  | AlertRecord
  | ManagerRecord
  | NodeRecord
  | VmRecord
  | PlacementRule
  | FenceOperation
  | FailoverRecord;

/** The store key of an object. Keys are `<kind>/<id>`; the prefix decides disk-full priority. */
export function keyOf(object: ClusterObject): string {
  switch (object.kind) {
    case 'settings':
    case 'counters':
    case 'roster':
    case 'governor':
    case 'arming':
    case 'membership':
      return object.kind;
    default:
      return `${object.kind}/${object.id}`;
  }
}
