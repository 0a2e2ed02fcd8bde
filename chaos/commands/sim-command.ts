import { readFileSync, writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { StoreKind } from '../sim/cluster.ts';
import { runCampaign } from '../swarm/campaign.ts';
import { withCompileCache } from '../swarm/compile-cache.ts';
import { drawScenario } from '../swarm/draw.ts';
import type { DrawOptions } from '../swarm/draw.ts';
import { profiles } from '../swarm/profiles.ts';
import type { ProfileName } from '../swarm/profiles.ts';
import { runScenario } from '../swarm/run-scenario.ts';
import type { SeedResult } from '../swarm/run-scenario.ts';
import type { Recreate, Scenario } from '../swarm/scenario.ts';
import { shrink } from '../swarm/shrink.ts';
import { neverReached, reportOf } from '../swarm/tally.ts';
import type { CampaignReport, CampaignViolation } from '../swarm/tally.ts';
import { traceLine } from './trace-line.ts';
import { Progress } from './progress.ts';

interface SimFlags {
  readonly seeds: number;
  readonly from: number;
  readonly profile?: ProfileName;
  readonly store?: StoreKind;
  readonly managers?: number;
  readonly hours?: number;
  readonly workers: number;
  readonly recreate?: Recreate;
  readonly json?: string;
  readonly replay?: string;
  readonly seed?: number;
  readonly trace?: string;
  readonly shrink: boolean;
}

/** Fewer seeds than this say nothing about what is never reached. */
const enoughSeeds = 5000;
/** Violations that are shrunk. */
const shrunkMost = 3;

const afterHelp = `
Each seed draws the size of the cluster, its timings, a workload and faults, runs the production code
under virtual time, and is judged by every checker. The same seed gives the same run, so the hash of
a campaign depends on its seeds alone.

Profiles:
${Object.entries(profiles)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join('\n')}

From ${enoughSeeds} seeds of all profiles on, a rare state that was never reached fails the campaign too.
A violation is cut down to the faults and calls that it needs; the command that is printed plays it again.

--trace writes one JSON object a line, {"tag":"trace","event":…}, as the trace specification of
etcd-io/raft's TLA+ model reads them: the steps of all members in the order in which they happened.

Exit codes: 0 no rule was broken, 1 one was, or a rare state was never reached.`;

/** `kennel chaos sim`: many seeds through the simulator, or one of them again. */
export function simCommand(): Command {
  return new Command('sim')
    .description('run the cluster in the simulator under drawn faults, seed by seed')
    .addHelpText('after', afterHelp)
    .option('--seeds <n>', 'how many seeds', wholeNumber, 1000)
    .option('--from <seed>', 'the first seed', wholeNumber, 1)
    .addOption(
      new Option('--profile <name>', 'draw faults of one kind (default: each seed draws)').choices(
        Object.keys(profiles),
      ),
    )
    .addOption(
      new Option('--store <kind>', 'of the managers (default: each seed draws)').choices([
        'memory',
        'file',
        'raft',
      ]),
    )
    .option('--managers <n>', 'how many managers (default: each seed draws)', managerCount)
    .option('--hours <h>', 'simulated hours of faults per seed (default: about a minute)', positive)
    .option('--workers <n>', 'processes', wholeNumber, 2)
    .addOption(
      new Option('--recreate <how>', 'make deleted VMs again').choices([
        'never',
        'sameId',
        'newId',
      ]),
    )
    .option('--json <file>', 'write the report as JSON')
    .option('--replay <file>', 'run one scenario from a file, with its log')
    .option('--seed <seed>', 'run one seed, with its log', wholeNumber)
    .option('--trace <file>', 'of one seed on the store raft: the steps of consensus, for TLA+')
    .option('--no-shrink', 'do not look for the smallest scenario that breaks the rule')
    .action(async (flags: SimFlags) => {
      process.exitCode = await runSim(flags);
    });
}

async function runSim(flags: SimFlags): Promise<number> {
  const draw = drawOptions(flags);
  if (flags.replay !== undefined) {
    return replay(JSON.parse(readFileSync(flags.replay, 'utf8')) as Scenario, flags.trace);
  }
  if (flags.seed !== undefined) return replay(drawScenario(flags.seed, draw), flags.trace);
  const progress = new Progress(flags.seeds, 'seeds');
  const end = await withCompileCache((environment) =>
    runCampaign({
      from: flags.from,
      seeds: flags.seeds,
      workers: flags.workers,
      draw,
      stopAtFirst: false,
      environment,
      onProgress: (tally, violations) => progress.show(tally.seeds, violations, 'broken'),
    }),
  );
  progress.end();
  const violations: CampaignViolation[] = [];
  for (const result of end.violations) {
    const isShrunk = flags.shrink && violations.length < shrunkMost;
    violations.push(await describe(result, flags, draw, isShrunk));
  }
  const report = reportOf(end.tally, violations);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report, null, 2)}\n`);
  const unreached = isWhole(flags) ? neverReached(report) : [];
  print(report, unreached, end.tally.virtualMs / 3_600_000);
  return report.violations.length > 0 || unreached.length > 0 ? 1 : 0;
}

async function replay(scenario: Scenario, trace?: string): Promise<number> {
  const steps: string[] = [];
  const onRaftStep = (event: object): void => void steps.push(traceLine(event));
  const listening = trace === undefined ? {} : { onRaftStep };
  const result = await runScenario(scenario, { withLog: true, ...listening });
  if (trace !== undefined) writeFileSync(trace, steps.join(''));
  for (const line of result.log) console.log(line);
  console.log(`\nseed ${scenario.seed}, hash ${result.hash}, ${result.events} events`);
  for (const { checker, atMs, message } of result.violations) {
    console.log(`${checker} at ${Math.round(atMs)} ms: ${message}`);
  }
  return result.violations.length > 0 ? 1 : 0;
}

async function describe(
  result: SeedResult,
  flags: SimFlags,
  draw: DrawOptions,
  isShrunk: boolean,
): Promise<CampaignViolation> {
  const { seed } = result;
  const [first] = result.violations;
  const checker = first?.checker ?? 'none';
  let file: string | null = null;
  if (isShrunk) {
    const small = await shrink(drawScenario(seed, draw), (scenario) => breaks(scenario, checker));
    file = `chaos-seed-${seed}.json`;
    writeFileSync(file, `${JSON.stringify(small, null, 2)}\n`);
  }
  return {
    seed,
    checker,
    message: first?.message ?? '',
    replay: file === null ? replayOf(seed, flags) : `kennel chaos sim --replay ${file}`,
  };
}

async function breaks(scenario: Scenario, checker: string): Promise<number | null> {
  const { violations } = await runScenario(scenario);
  return violations.find((each) => each.checker === checker)?.atMs ?? null;
}

function replayOf(seed: number, flags: SimFlags): string {
  const options = [`--seed ${seed}`];
  if (flags.profile !== undefined) options.push(`--profile ${flags.profile}`);
  if (flags.hours !== undefined) options.push(`--hours ${flags.hours}`);
  if (flags.store !== undefined) options.push(`--store ${flags.store}`);
  if (flags.managers !== undefined) options.push(`--managers ${flags.managers}`);
  if (flags.recreate !== undefined) options.push(`--recreate ${flags.recreate}`);
  return `kennel chaos sim ${options.join(' ')}`;
}

function drawOptions(flags: SimFlags): DrawOptions {
  const { profile, store, managers, hours, recreate } = flags;
  return {
    ...(profile === undefined ? {} : { profile }),
    ...(store === undefined ? {} : { store }),
    ...(managers === undefined ? {} : { managers }),
    ...(hours === undefined ? {} : { faultsMs: hours * 3_600_000 }),
    ...(recreate === undefined ? {} : { recreate }),
  };
}

/** Enough seeds, of everything: what they never reached is not tested. */
function isWhole({ seeds, profile, store, managers }: SimFlags): boolean {
  const isNarrow = profile !== undefined || store !== undefined || managers !== undefined;
  return seeds >= enoughSeeds && !isNarrow;
}

function print(report: CampaignReport, unreached: readonly string[], hours: number): void {
  const { seeds, failovers, events, clusterHoursPerCpuSecond } = report;
  console.log(`${seeds} seeds, hash ${report.hash}`);
  console.log(
    `${failovers} failovers, ${events} events, ${hours.toFixed(1)} cluster-hours, ${clusterHoursPerCpuSecond.toFixed(2)} of them per CPU second`,
  );
  for (const name of unreached) console.log(`never reached: ${name}`);
  for (const { seed, checker, message, replay: again } of report.violations) {
    console.log(`seed ${seed} ${checker}: ${message}\n  replay: ${again}`);
  }
  if (report.violations.length === 0) console.log('no rule was broken');
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('a whole number, for example 100');
  return Number(text);
}

function managerCount(text: string): number {
  if (!/^[1-7]$/.test(text)) throw new InvalidArgumentError('from 1 to 7');
  return Number(text);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0, for example 0.5');
  return value;
}
