import { AcknowledgedChecker } from '../checkers/acknowledged.ts';
import { FailoverChainChecker } from '../checkers/failover-chain.ts';
import type { Checker } from '../checkers/history.ts';
import { LeaderWriteChecker } from '../checkers/leader-writes.ts';
import { OwnerChecker } from '../checkers/owners.ts';
import { PermitChecker } from '../checkers/permits.ts';
import { PlacementChecker } from '../checkers/placement.ts';
import { PowerChecker } from '../checkers/power.ts';
import { ProofChecker } from '../checkers/proofs.ts';
import { WaitChecker } from '../checkers/waits.ts';

/**
 * The simulator's checkers, as far as a lab shows what they need from outside. Leases and an agent's
 * memory at the instant of a start are on no wire that can be read, so the simulator alone judges
 * them; `observer` adds who writes to which disk and which process runs twice.
 */
export function realCheckers(): readonly Checker[] {
  return [
    new PermitChecker(),
    new OwnerChecker(),
    new ProofChecker(),
    new LeaderWriteChecker(),
    new PowerChecker(),
    new AcknowledgedChecker(),
    new PlacementChecker(),
    new WaitChecker(),
    new FailoverChainChecker(),
  ];
}
