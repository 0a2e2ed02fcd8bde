import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  compareUsage,
  parseCompareOptions,
  type CompareOptions,
  type Contestant,
} from './compare-options.ts';
import { runFailoverBench } from './failover-bench.ts';
import { untilInterrupted } from './interruption.ts';
import {
  installPacemaker,
  missingPrograms,
  pacemakerPackages,
  runPacemakerBench,
} from './pacemaker-bench.ts';
import { runMain } from './run-main.ts';
import { summarizeAll, table, type Run } from './summary.ts';

/**
 * Kennel and Pacemaker on the same machine in the same hour: the contestants take turns run by run,
 * each with a cluster of its own made for the run and removed after it, and none runs beside
 * another.
 */
async function main(options: CompareOptions): Promise<void> {
  await prepare(options);
  const signal = untilInterrupted();
  const runs: Run[] = [];
  const failed: string[] = [];
  for (const vms of options.vms) {
    for (let rep = 1; rep <= options.runs; rep += 1) {
      for (const each of options.contestants) {
        const what = `${each.name}, ${vms} VMs, run ${rep} of ${options.runs}`;
        try {
          const run = await runOnce(each, vms, options, signal);
          runs.push(run);
          console.log(`${what}: last start ${run.last ?? '-'} s, load ${run.load}`);
        } catch (error) {
          signal.throwIfAborted();
          failed.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
          console.log(`FAILED ${failed.at(-1)}`);
        }
        write(options, runs, failed);
      }
    }
  }
  console.log(`\nseconds after the crash, median (min-max)\n${table(summarizeAll(runs))}`);
  for (const line of failed) console.log(`failed: ${line}`);
  if (failed.length > 0) process.exitCode = 1;
}

function write(options: CompareOptions, runs: readonly Run[], failed: readonly string[]): void {
  if (options.json === null) return;
  const results = { runs, failed, summaries: summarizeAll(runs) };
  writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
}

async function prepare(options: CompareOptions): Promise<void> {
  if (options.contestants.every((each) => each.product === 'kennel')) return;
  if (!existsSync(join(options.pacemaker, 'run.sh'))) {
    throw new Error(`${options.pacemaker} holds no run.sh; give --pacemaker DIR`);
  }
  if (options.install) await installPacemaker();
  const missing = missingPrograms();
  if (missing.length === 0) return;
  const packages = pacemakerPackages.join(' ');
  throw new Error(
    `${missing.join(', ')} missing; run with --install, or: apt-get install ${packages}`,
  );
}

async function runOnce(
  each: Contestant,
  vms: number,
  options: CompareOptions,
  signal: AbortSignal,
): Promise<Run> {
  const { directory, bmcDelayMs } = options;
  if (each.product === 'pacemaker') {
    const { pacemaker: bench } = options;
    const { config } = each;
    const run = await runPacemakerBench({ bench, config, vms, bmcDelayMs, directory, signal });
    if (run.started !== vms) throw new Error(`only ${run.started ?? 0} of ${vms} were started`);
    return run;
  }
  const { profile, settleMs } = each;
  const [run] = await runFailoverBench(
    {
      vms,
      runs: 1,
      profile,
      settleMs,
      bmcDelayMs,
      managers: 1,
      killLeader: false,
      victim: 'node3',
      crash: 'power',
      proof: 'bmc',
      json: null,
      directory,
      keep: false,
    },
    { signal, say: () => undefined, onRun: () => undefined },
  );
  if (run === undefined) throw new Error('no repetition was made');
  return run;
}

const checkout = join(import.meta.dirname, '..', '..');
await runMain({ usage: compareUsage, parse: (argv) => parseCompareOptions(argv, checkout) }, main);
