import type { Outcome } from '../core/problem.ts';
import type { Caller } from './cluster-service.ts';
import type { AddAlert, AlertTestView, AlertView } from './schema/alerts.ts';

/** The part of `ClusterService` about who is told of what. */
export interface AlertService {
  /** How telling goes is known to the leader alone. */
  alerts(): Promise<Outcome<readonly AlertView[]>>;
  addAlert(name: string, body: AddAlert, caller: Caller): Promise<Outcome<AlertView>>;
  removeAlert(name: string, caller: Caller): Promise<Outcome<AlertView>>;
  /** Tells it something harmless, now. */
  testAlert(name: string, caller: Caller): Promise<Outcome<AlertTestView>>;
}
