import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { noLab, WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import { faults, loseLeaderInFailover, steps, type LossRound } from './leader-loss-round.ts';

const stores = ['raft', 'etcd'] as const;

interface LossReport {
  readonly store: (typeof stores)[number];
  readonly rounds: readonly LossRound[];
  readonly overlaps: number;
  /** Longest pause between two looks of the witness, ms. */
  readonly longestGapMs: number;
}

/**
 * The leader of three managers is lost at each step of a failover, in every way:
 * `node test/lab/leader-loss.ts --store raft|etcd [--json FILE]`. Ends with 1 when a VM ran twice,
 * not at all, or is not accounted for.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { store: { type: 'string', default: 'raft' }, json: { type: 'string' } },
  });
  const store = stores.find((one) => one === values.store);
  if (store === undefined) {
    console.error(`--store takes ${stores.join(' or ')}`);
    return 64;
  }
  if (noLab.skip) {
    console.error(`this needs a lab${noLab.why}`);
    return 1;
  }
  const site = await WatchedCluster.up({ vms: 3, managers: 3, store });
  try {
    const rounds: LossRound[] = [];
    for (const step of steps) {
      for (const fault of faults) {
        const round = await loseLeaderInFailover(site, step, fault);
        rounds.push(round);
        console.log(describeRound(rounds.length, round));
      }
    }
    const [testimony] = site.testimony();
    const overlaps = testimony?.overlaps.length ?? 0;
    const { longestGapMs = 0 } = testimony ?? {};
    const report: LossReport = { store, rounds, overlaps, longestGapMs };
    if (values.json !== undefined) {
      writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    const bad = rounds.filter((round) => round.problems.length > 0).length;
    console.log(
      `${rounds.length} leaders lost on ${store}, ${bad} rounds with problems, ${overlaps} times two writers`,
    );
    return bad === 0 && overlaps === 0 ? 0 : 1;
  } finally {
    await site.down();
  }
}

function describeRound(number: number, round: LossRound): string {
  const { step, fault, victim, vms, leader, nextLeader, ledAgainAtMs, allRunAtMs } = round;
  const verdict = round.problems.length === 0 ? 'ok' : round.problems.join('; ');
  return (
    `${String(number).padStart(3)}  ${fault} at ${step} (${round.struckAfterMs} ms after ${victim} with ${vms} VMs froze): ` +
    `${leader}, then ${nextLeader} leads at ${ledAgainAtMs} ms, all run at ${allRunAtMs}, ${round.offs} offs: ${verdict}`
  );
}

process.exitCode = await main();
