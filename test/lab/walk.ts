import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { noLab, WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import { randomWalk, type WalkReport } from './walk-run.ts';

/**
 * A random walk over all verbs on three nodes:
 * `npm run lab:walk -- --operations 500 --vms 20 --seed 1 --json FILE`. After each step the union of
 * `virsh list --all` must come to equal what Kennel says. Ends with 1 when it does not, or when a VM was
 * ever active twice.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      operations: { type: 'string', default: '500' },
      vms: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  });
  const [operations, vms, seed] = [values.operations, values.vms, values.seed].map(Number);
  if (!isCount(operations) || !isCount(vms) || !isCount(seed)) {
    console.error('--operations, --vms and --seed take numbers from 1');
    return 64;
  }
  if (noLab.skip) {
    console.error(`this needs a lab${noLab.why}`);
    return 1;
  }
  const site = await WatchedCluster.up({ vms });
  try {
    const say = (line: string): void => console.log(line);
    const report = await randomWalk(site, { operations, seed, say, signal: interrupted() });
    if (values.json !== undefined) {
      writeFileSync(values.json, `${JSON.stringify({ vms, ...report }, null, 2)}\n`);
    }
    console.log(summary(report));
    return report.violations.length === 0 && report.overlaps === 0 ? 0 : 1;
  } finally {
    await site.down();
  }
}

/** Fires with an interruption; the walk then ends with its step, reports, and takes the lab down. */
function interrupted(): AbortSignal {
  const ending = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => ending.abort());
  return ending.signal;
}

const isCount = (value: number | undefined): value is number =>
  value !== undefined && Number.isInteger(value) && value >= 1;

function summary({
  operations,
  refused,
  violations,
  overlaps,
  settleMs,
  wallMs,
}: WalkReport): string {
  return (
    `${operations} operations in ${Math.round(wallMs / 1000)} s, ${refused} refused, ` +
    `agreed after ${settleMs.median} ms (longest ${settleMs.longest} ms), ` +
    `${violations.length} violations, ${overlaps} times two writers`
  );
}

process.exitCode = await main();
