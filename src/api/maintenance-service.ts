import type { Outcome } from '../core/problem.ts';
import type { Caller } from './cluster-service.ts';
import type { MaintainNode, MaintenanceView } from './schema/maintenance.ts';

/** The part of `ClusterService` about nodes that are emptied, go down, and take their VMs back. */
export interface MaintenanceService {
  /** Nodes with anything to say: closed, being emptied, down as they said, or with VMs to take back. */
  ls(): Promise<Outcome<readonly MaintenanceView[]>>;
  /** A dry run answers the plan: where each VM would go, how, and what stands against it. */
  change(node: string, body: MaintainNode, caller: Caller): Promise<Outcome<MaintenanceView>>;
}
