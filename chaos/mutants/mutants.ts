import { agentMutants } from './agent-mutants.ts';
import { fencingMutants } from './fencing-mutants.ts';
import { managerMutants } from './manager-mutants.ts';
import type { Mutant } from './mutant.ts';
import { raftMutants } from './raft-mutants.ts';
import { storeMutants } from './store-mutants.ts';
import { watchdogMutants } from './watchdog-mutants.ts';

/** Every planted defect, by part of the system. */
export const mutants: readonly Mutant[] = [
  ...agentMutants,
  ...managerMutants,
  ...fencingMutants,
  ...storeMutants,
  ...raftMutants,
  ...watchdogMutants,
];
