import { writeFileSync } from 'node:fs';
import { runFailoverBench } from './failover-bench.ts';
import { failoverUsage, parseFailoverOptions, type FailoverOptions } from './failover-options.ts';
import type { Measurement } from './measurement.ts';
import { untilInterrupted } from './interruption.ts';
import { runMain } from './run-main.ts';
import { summarizeAll, table } from './summary.ts';

/**
 * How long it takes from the crash of a node until its VMs run elsewhere. The twin of a bench of
 * the Pacemaker stack: same namespaces, same crash, same cheap VMs, same record (`measurement.ts`).
 * Needs root, iproute2 and util-linux. A cluster of its own is made and removed.
 */
async function main(options: FailoverOptions): Promise<void> {
  console.log(
    `profile ${options.profile}, ${options.vms} VMs, Off must be read over ${options.settleMs} ms`,
  );
  const runs: Measurement[] = [];
  const signal = untilInterrupted();
  await runFailoverBench(options, {
    signal,
    say: (line) => console.log(line),
    onRun: (run) => {
      runs.push(run);
      console.log(JSON.stringify(run));
      if (options.json === null) return;
      const [summary] = summarizeAll(runs);
      writeFileSync(options.json, `${JSON.stringify({ runs, summary }, null, 1)}\n`);
    },
  });
  console.log(`\nseconds after the crash, median (min-max)\n${table(summarizeAll(runs))}`);
}

await runMain({ usage: failoverUsage, parse: parseFailoverOptions }, main);
