import type { Outcome } from '../core/problem.ts';
import type { Caller } from './cluster-service.ts';
import type { ArmingView, Disarm } from './schema/arming.ts';

/** The part of `ClusterService` about whether Kennel acts by itself. */
export interface ArmingService {
  disarm(body: Disarm, caller: Caller): Promise<Outcome<ArmingView>>;
  arm(caller: Caller): Promise<Outcome<ArmingView>>;
}
