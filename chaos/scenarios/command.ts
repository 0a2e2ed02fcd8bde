import { basename } from 'node:path';
import { Command } from 'commander';
import { KennelError } from '../../src/errors/kennel-error.ts';
import { withTables } from './docs-tables.ts';
import { scenarioJsonSchema } from './json-schema.ts';
import { loadScenario } from './load.ts';
import type { Scenario } from './schema.ts';
import { readText, writeText } from './text-files.ts';
import { verdictOfText } from './verdict.ts';
import type { ScenarioResult } from './verdict.ts';

interface Flags {
  readonly schema?: boolean;
  readonly json?: string;
  readonly docs?: string;
}

/**
 * `scenario FILE…`: replays scenario files in the simulator and judges them. Exit code 0 when all
 * passed or were excluded, else 1; throws `KennelError` for a file that cannot be read.
 */
export function scenarioCommand(): Command {
  return new Command('scenario')
    .summary('replay ha-scenario/1 files on the production code, in the simulator')
    .description(
      'Replays ha-scenario/1 files on the production code under virtual time and judges each by ' +
        'the pass rule of the format, with a reason for every deviation. See docs/scenarios.md.',
    )
    .argument('[files...]', 'scenario files, JSON')
    .option('--json <file>', 'write {results: [{id, class, verdict, reasons}]} there; - = stdout')
    .option(
      '--schema',
      'print the JSON schema of a scenario file, x-kennel included, and do nothing',
    )
    .option('--docs <file>', 'rewrite the tables of this document with the results')
    .action(async (files: string[], flags: Flags) => {
      if (flags.schema === true) {
        process.stdout.write(`${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`);
        return;
      }
      if (files.length === 0) throw noFiles();
      await runFiles(files, flags);
    });
}

function noFiles(): KennelError {
  return new KennelError({
    code: 'E_USAGE',
    what: 'no scenario was named',
    because: 'the command takes one file or more',
    so: 'nothing was replayed',
    try: ['kennel chaos scenario chaos/scenarios/kennel/*.json'],
  });
}

async function runFiles(files: readonly string[], flags: Flags): Promise<void> {
  const texts = files.map((file) => ({
    name: basename(file, '.json'),
    text: readText(file, 'no scenario was replayed'),
  }));
  const results: ScenarioResult[] = [];
  const scenarios: Scenario[] = [];
  // With the results on standard output, nothing else may be there.
  const say = flags.json === '-' ? console.error : console.log;
  for (const { name, text } of texts) {
    const { result } = await verdictOfText(name, text);
    results.push(result);
    const loaded = loadScenario(text);
    if (loaded.kind === 'scenario') scenarios.push(loaded.scenario);
    for (const line of linesOf(result)) say(line);
  }
  const count = (verdict: ScenarioResult['verdict']): number =>
    results.filter((one) => one.verdict === verdict).length;
  say(`${count('pass')} passed, ${count('fail')} failed, ${count('excluded')} excluded`);
  const json = `${JSON.stringify({ results }, null, 2)}\n`;
  if (flags.json === '-') process.stdout.write(json);
  else if (flags.json !== undefined) writeText(flags.json, json);
  if (flags.docs !== undefined) {
    writeText(
      flags.docs,
      withTables(readText(flags.docs, 'the results were printed only'), scenarios, results),
    );
  }
  if (count('fail') > 0) process.exitCode = 1;
}

function linesOf(result: ScenarioResult): readonly string[] {
  const head = `${result.verdict.padEnd(8)} ${result.id}`;
  return [head, ...result.reasons.map((reason) => `           ${reason}`)];
}
