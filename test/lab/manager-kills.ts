import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { killManagerInFailover, type KillRound } from './manager-kill-round.ts';
import { noLab, WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';

/** The manager is killed at any instant from the power loss to after the last VM has started. */
const latestKillMs = 8000;

interface KillsReport {
  readonly times: number;
  readonly vms: number;
  readonly rounds: readonly KillRound[];
  readonly overlaps: number;
  /** Longest pause between two looks of the witness, ms. */
  readonly longestGapMs: number;
}

/**
 * Many failovers, in each of which the manager is killed at a random instant:
 * `node test/lab/manager-kills.ts --times 20 --json FILE`. Ends with 1 when a VM ran twice, not at
 * all, or is not accounted for.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      times: { type: 'string', default: '20' },
      vms: { type: 'string', default: '4' },
      json: { type: 'string' },
    },
  });
  const [times, vms] = [Number(values.times), Number(values.vms)];
  if (!Number.isInteger(times) || times < 1 || !Number.isInteger(vms) || vms < 1) {
    console.error('--times and --vms take numbers from 1');
    return 64;
  }
  if (noLab.skip) {
    console.error(`this needs a lab${noLab.why}`);
    return 1;
  }
  const site = await WatchedCluster.up({ vms });
  try {
    const rounds: KillRound[] = [];
    while (rounds.length < times) {
      const round = await killManagerInFailover(site, Math.random() * latestKillMs);
      rounds.push(round);
      console.log(describeRound(rounds.length, round));
    }
    const [testimony] = site.testimony();
    const overlaps = testimony?.overlaps.length ?? 0;
    const { longestGapMs = 0 } = testimony ?? {};
    const report: KillsReport = { times, vms, rounds, overlaps, longestGapMs };
    if (values.json !== undefined) {
      writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    const bad = rounds.filter((round) => round.problems.length > 0).length;
    console.log(`${times} kills, ${bad} rounds with problems, ${overlaps} times two writers`);
    return bad === 0 && overlaps === 0 ? 0 : 1;
  } finally {
    await site.down();
  }
}

function describeRound(number: number, round: KillRound): string {
  const { victim, vms, killedAtMs, before, leadsAgainAtMs, allRunAtMs, problems } = round;
  const verdict = problems.length === 0 ? 'ok' : problems.join('; ');
  return (
    `${String(number).padStart(3)}  ${victim} (${vms} VMs) dark; manager killed at ${killedAtMs} ms ` +
    `after ${before ?? 'nothing'}, leads at ${leadsAgainAtMs}, all run at ${allRunAtMs}: ${verdict}`
  );
}

process.exitCode = await main();
