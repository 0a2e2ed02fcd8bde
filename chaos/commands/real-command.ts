import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { WatchedCluster, noLab } from '../../deploy/lab/cluster/watched-cluster.ts';
import { runCampaign } from '../real/campaign.ts';
import { guardLab } from '../real/guard.ts';
import { drawPlan, plannedFaultSchema, type Plan } from '../real/plan.ts';
import { verdictOnLab } from '../real/scenario-replay.ts';
import { loadScenario } from '../scenarios/load.ts';
import type { ScenarioResult } from '../scenarios/verdict.ts';
import { checksOf, noChecks, type RealReport } from '../real/report.ts';
import { Watch } from '../real/watch.ts';

interface RealFlags {
  readonly minutes: number;
  readonly seed: number;
  readonly vms: number;
  readonly json?: string;
  readonly plan?: string;
  readonly scenario?: readonly string[];
  readonly all?: boolean;
}

/** Kennel's own scenarios. */
const ownScenarios = join(import.meta.dirname, '..', 'scenarios', 'kennel');
/** Most VMs of one scenario. */
const scenarioVms = 3;

/** Of the disk that the manager's store lies on, so that it can be filled. */
const diskMiB = 64;

/** `kennel chaos real`: drawn faults against a real cluster on this machine. */
export function realCommand(): Command {
  return new Command('real')
    .description('break a real cluster on this machine, and check that no rule is broken')
    .addHelpText(
      'after',
      '\nNeeds what `kennel lab` needs. One seed always draws the same faults; what they lead to' +
        '\ndepends on the machine. Exit codes: 0 no rule was broken, 1 one was, or no lab can run.',
    )
    .option('--minutes <m>', 'how long faults follow each other', minutes, 5)
    .option('--seed <seed>', 'which faults', wholeNumber, 1)
    .option('--vms <n>', 'how many VMs', wholeNumber, 6)
    .option('--plan <file>', 'the faults of this report instead of drawn ones')
    .option('--scenario <files...>', 'instead of faults: replay these ha-scenario/1 files')
    .option('--all', "instead of faults: replay all of Kennel's own scenarios")
    .option('--json <file>', 'write the report as JSON')
    .action(async (flags: RealFlags) => {
      process.exitCode = await runReal(flags);
    });
}

async function runReal(flags: RealFlags): Promise<number> {
  if (noLab.skip) {
    console.error(`no lab can run here${noLab.why}`);
    write(flags, { ...emptyReport(flags), skipped: noLab.why });
    return 1;
  }
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new Error('interrupted'));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  const { signal } = interrupted;
  const say = (line: string): void => console.log(line);
  const directory = mkdtempSync(join(tmpdir(), 'kt-'));
  guardLab(directory);
  const files = scenarioFiles(flags);
  const vms = files.length > 0 ? scenarioVms : flags.vms;
  const site = await WatchedCluster.up({ vms, bare: true, diskMiB, directory, say, signal });
  try {
    const watch = await Watch.begin(site);
    try {
      return await work(watch, files, flags, signal);
    } finally {
      await watch.end();
    }
  } finally {
    await site.down();
  }
}

async function work(
  watch: Watch,
  files: readonly string[],
  flags: RealFlags,
  signal: AbortSignal,
): Promise<number> {
  if (files.length > 0) return replayAll(watch, files, flags, signal);
  const say = (line: string): void => console.log(line);
  const report = await runCampaign(watch, { plan: planOf(flags), say, signal });
  write(flags, report);
  print(report);
  return report.violations.length === 0 ? 0 : 1;
}

function scenarioFiles({ scenario = [], all }: RealFlags): readonly string[] {
  if (all !== true) return scenario;
  const own = readdirSync(ownScenarios).filter((name) => name.endsWith('.json'));
  return [...own.map((name) => join(ownScenarios, name)), ...scenario];
}

/** One scenario after the other on one lab, judged by the format's pass rule and the checkers. */
async function replayAll(
  watch: Watch,
  files: readonly string[],
  { json }: RealFlags,
  signal: AbortSignal,
): Promise<number> {
  const results: ScenarioResult[] = [];
  for (const file of files) {
    const loaded = loadScenario(readFileSync(file, 'utf8'));
    const result: ScenarioResult =
      loaded.kind === 'scenario'
        ? await verdictOnLab(watch, loaded.scenario, signal)
        : { id: file, class: null, verdict: 'fail', reasons: loaded.problems };
    signal.throwIfAborted();
    results.push(result);
    console.log(`${result.verdict.padEnd(8)} ${result.id}`);
    for (const reason of result.reasons) console.log(`           ${reason}`);
  }
  const count = (verdict: ScenarioResult['verdict']): number =>
    results.filter((one) => one.verdict === verdict).length;
  console.log(`${count('pass')} passed, ${count('fail')} failed, ${count('excluded')} excluded`);
  const report = { results, violations: watch.violations(), checks: checksOf(watch) };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  return count('fail') === 0 && report.violations.length === 0 ? 0 : 1;
}

function planOf({ seed, minutes: length, vms, plan: file }: RealFlags): Plan {
  const drawn = drawPlan(seed, length, { nodes: 3, vms });
  if (file === undefined) return drawn;
  const { faults } = z
    .object({ faults: z.array(plannedFaultSchema) })
    .parse(JSON.parse(readFileSync(file, 'utf8')));
  return { ...drawn, faults };
}

function emptyReport({ seed, minutes: length, vms }: RealFlags): RealReport {
  const nothing = { faults: [], failovers: [], violations: [], checks: noChecks };
  return { seed, minutes: length, vms, ...nothing };
}

function write({ json }: RealFlags, report: RealReport): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
}

function print({ seed, faults, failovers, violations, checks }: RealReport): void {
  const done = failovers.filter((one) => one.outcome === 'completed').length;
  console.log(
    `seed ${seed}: ${faults.length} faults, ${failovers.length} failovers (${done} completed), ` +
      `${checks.commits} commits and ${checks.looks} looks judged, ${checks.writers} boots of guests`,
  );
  for (const { checker, atMs, message } of violations) {
    console.log(`BROKEN ${checker} at ${(atMs / 1000).toFixed(1)} s: ${message}`);
  }
  if (violations.length === 0) console.log('no rule was broken');
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('a whole number, for example 7');
  return Number(text);
}

function minutes(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1440)) throw new InvalidArgumentError('minutes, for example 20');
  return value;
}
