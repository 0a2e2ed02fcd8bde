import { AcknowledgedChecker } from '../checkers/acknowledged.ts';
import { ActionChecker } from '../checkers/actions.ts';
import { AgentMemoryChecker } from '../checkers/agent-memory.ts';
import { ConsensusChecker } from '../checkers/consensus.ts';
import { FailoverChainChecker } from '../checkers/failover-chain.ts';
import { GuardChecker } from '../checkers/guards.ts';
import { HealthChecker } from '../checkers/health.ts';
import type { Checker } from '../checkers/history.ts';
import { LeaderWriteChecker } from '../checkers/leader-writes.ts';
import { LockChecker } from '../checkers/locks.ts';
import { LeaseChecker } from '../checkers/leases.ts';
import { LevelChecker } from '../checkers/levels.ts';
import { OrderChecker } from '../checkers/order.ts';
import { OwnerChecker } from '../checkers/owners.ts';
import { PeerHoldChecker } from '../checkers/peer-hold.ts';
import { PermitChecker } from '../checkers/permits.ts';
import { PlacementChecker } from '../checkers/placement.ts';
import { PowerChecker } from '../checkers/power.ts';
import { ProofChecker } from '../checkers/proofs.ts';
import { SelfFencingChecker } from '../checkers/self-fencing.ts';
import { SelfMoveChecker } from '../checkers/self-moves.ts';
import { WaitChecker } from '../checkers/waits.ts';
import { WatchChecker } from '../checkers/watches.ts';

/** Fresh ones: each judges one history. */
export function everyChecker(): readonly Checker[] {
  return [
    new PermitChecker(),
    new OwnerChecker(),
    new ProofChecker(),
    new LeaseChecker(),
    new SelfFencingChecker(),
    new PeerHoldChecker(),
    new AgentMemoryChecker(),
    new LeaderWriteChecker(),
    new ConsensusChecker(),
    new WatchChecker(),
    new PowerChecker(),
    new LevelChecker(),
    new GuardChecker(),
    new AcknowledgedChecker(),
    new ActionChecker(),
    new PlacementChecker(),
    new OrderChecker(),
    new LockChecker(),
    new SelfMoveChecker(),
    new HealthChecker(),
    new WaitChecker(),
    new FailoverChainChecker(),
  ];
}
