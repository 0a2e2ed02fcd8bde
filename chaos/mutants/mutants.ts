import { agentMutants } from './agent-mutants.ts';
import { fencingMutants } from './fencing-mutants.ts';
import { guardMutants } from './guard-mutants.ts';
import { managerMutants } from './manager-mutants.ts';
import { migrationMutants } from './migration-mutants.ts';
import type { Mutant } from './mutant.ts';
import { orderMutants } from './order-mutants.ts';
import { policyMutants } from './policy-mutants.ts';
import { peerHoldMutants } from './peer-hold-mutants.ts';
import { raftMutants } from './raft-mutants.ts';
import { verbMutants } from './verb-mutants.ts';
import { storeMutants } from './store-mutants.ts';
import { watchdogMutants } from './watchdog-mutants.ts';

/** Every planted defect, by part of the system. */
export const mutants: readonly Mutant[] = [
  ...agentMutants,
  ...managerMutants,
  ...migrationMutants,
  ...orderMutants,
  ...verbMutants,
  ...policyMutants,
  ...fencingMutants,
  ...guardMutants,
  ...storeMutants,
  ...raftMutants,
  ...watchdogMutants,
  ...peerHoldMutants,
];
