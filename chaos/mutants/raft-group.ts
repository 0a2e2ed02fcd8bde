import { RandomCluster } from '../../src/raft/testing/random-cluster.ts';
import { Dice } from '../../src/raft/testing/dice.ts';

/**
 * Runs one random group of consensus cores: messages lost, doubled and out of order, members cut off
 * and crashed. What rule was broken; null = none. The same seed gives the same run.
 */
export function runRaftGroup(seed: number): string | null {
  const dice = new Dice(seed);
  const asyncStorageWrites = dice.percent(50);
  // Without them a leader is challenged far more often, and terms pass quickly.
  const isCalm = dice.percent(50);
  const options = {
    asyncStorageWrites,
    preVote: isCalm,
    checkQuorum: isCalm,
    // One entry in a message: a leader's own one comes after all that it found in its log.
    maxSizePerMsg: dice.pick([0, 64]),
  };
  const changes = isCalm && dice.percent(50);
  const size = dice.pick([3, 3, 5]);
  // Random changes may make a group that waits for members which nobody can reach: only what it
  // decides is judged then, not that it does.
  const run = { seed, size, steps: 4000, changes, mustRest: !changes, turnover: !isCalm, options };
  const cluster = new RandomCluster(run);
  try {
    cluster.run();
    return null;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}
