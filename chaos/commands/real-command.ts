import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import {
  WatchedCluster,
  noLab,
  type WatchedOptions,
} from '../../deploy/lab/cluster/watched-cluster.ts';
import type { Violation } from '../checkers/history.ts';
import { runCampaign } from '../real/campaign.ts';
import { guardLab } from '../real/guard.ts';
import { drawPlan, plannedFaultSchema, type Plan } from '../real/plan.ts';
import { labFor, type LabKind } from '../real/scenario-needs.ts';
import { exclusionOf, verdictOnLab } from '../real/scenario-replay.ts';
import { withLabTable } from '../scenarios/docs-tables.ts';
import { loadScenario } from '../scenarios/load.ts';
import type { Scenario } from '../scenarios/schema.ts';
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
  readonly docs?: string;
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
    .option('--docs <file>', 'with scenarios: put their verdicts into the table of this document')
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
  const files = scenarioFiles(flags);
  if (files.length > 0) return replayFiles(files, flags, signal);
  return onLab({ vms: flags.vms, say, signal }, async (watch) => {
    const report = await runCampaign(watch, { plan: planOf(flags), say, signal });
    write(flags, report);
    print(report);
    return report.violations.length === 0 ? 0 : 1;
  });
}

async function onLab<T>(
  options: Omit<WatchedOptions, 'bare' | 'diskMiB' | 'directory'>,
  work: (watch: Watch) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'kt-'));
  guardLab(directory);
  const site = await WatchedCluster.up({ ...options, directory, bare: true, diskMiB });
  try {
    const watch = await Watch.begin(site);
    try {
      return await work(watch);
    } finally {
      await watch.end();
    }
  } finally {
    await site.down();
  }
}

function scenarioFiles({ scenario = [], all }: RealFlags): readonly string[] {
  if (all !== true) return scenario;
  const own = readdirSync(ownScenarios).filter((name) => name.endsWith('.json'));
  return [...own.map((name) => join(ownScenarios, name)), ...scenario];
}

/** One scenario after the other, judged by the format's pass rule and the checkers; a lab for each kind. */
async function replayFiles(
  files: readonly string[],
  flags: RealFlags,
  signal: AbortSignal,
): Promise<number> {
  const { runs, results, scenarios } = sorted(files);
  const violations: Violation[] = [];
  const checks: ReturnType<typeof checksOf>[] = [];
  for (const result of results) tell(result);
  for (const { lab, scenarios: those } of runs.values()) {
    const say = (line: string): void => console.log(line);
    await onLab({ ...lab, vms: scenarioVms, say, signal }, async (watch) => {
      for (const scenario of those) {
        const result = await verdictOnLab(watch, scenario, signal);
        signal.throwIfAborted();
        results.push(result);
        tell(result);
      }
      violations.push(...watch.violations());
      checks.push(checksOf(watch));
    });
  }
  const count = (verdict: ScenarioResult['verdict']): number =>
    results.filter((one) => one.verdict === verdict).length;
  console.log(`${count('pass')} passed, ${count('fail')} failed, ${count('excluded')} excluded`);
  const { json, docs } = flags;
  const report = { on: 'lab', results, violations, checks };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  if (docs !== undefined) {
    writeFileSync(docs, withLabTable(readFileSync(docs, 'utf8'), scenarios, results));
  }
  return count('fail') === 0 && violations.length === 0 ? 0 : 1;
}

interface LabRun {
  readonly lab: LabKind;
  readonly scenarios: Scenario[];
}

/** What is to be run, by the lab that it needs, and the results of what no lab can run. */
function sorted(files: readonly string[]): {
  readonly runs: ReadonlyMap<string, LabRun>;
  readonly results: ScenarioResult[];
  readonly scenarios: readonly Scenario[];
} {
  const runs = new Map<string, LabRun>();
  const results: ScenarioResult[] = [];
  const scenarios: Scenario[] = [];
  for (const file of files) {
    const loaded = loadScenario(readFileSync(file, 'utf8'));
    if (loaded.kind === 'invalid') {
      results.push({ id: file, class: null, verdict: 'fail', reasons: loaded.problems });
      continue;
    }
    const { scenario } = loaded;
    scenarios.push(scenario);
    const excluded = exclusionOf(scenario);
    if (excluded !== null) {
      results.push(excluded);
      continue;
    }
    const lab = labFor(scenario);
    const kind = `${lab.profile}${lab.pdus ? '-pdus' : ''}`;
    const run = runs.get(kind) ?? { lab, scenarios: [] };
    runs.set(kind, run);
    run.scenarios.push(scenario);
  }
  return { runs, results, scenarios };
}

function tell(result: ScenarioResult): void {
  console.log(`${result.verdict.padEnd(8)} ${result.id}`);
  for (const reason of result.reasons) console.log(`           ${reason}`);
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
