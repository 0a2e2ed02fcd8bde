import type { Outcome } from '../core/problem.ts';
import type { Caller } from './cluster-service.ts';
import type {
  ChangeSettings,
  FailoverExport,
  GovernorView,
  LabelNode,
  SettingView,
} from './schema/guards.ts';
import type { NodeView } from './schema/views.ts';

/** The part of `ClusterService` about guards, and about the records of what they let pass. */
export interface GuardService {
  labelNode(node: string, body: LabelNode, caller: Caller): Promise<Outcome<NodeView>>;
  unquarantine(node: string, caller: Caller): Promise<Outcome<NodeView>>;
  governor(): Promise<Outcome<GovernorView>>;
  releaseGovernor(caller: Caller): Promise<Outcome<GovernorView>>;
  settings(): Promise<Outcome<readonly SettingView[]>>;
  changeSettings(body: ChangeSettings, caller: Caller): Promise<Outcome<readonly SettingView[]>>;
  exportFailovers(): Promise<Outcome<FailoverExport>>;
}
