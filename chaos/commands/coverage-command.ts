import { Command } from 'commander';
import { KennelError } from '../../src/errors/kennel-error.ts';
import { coverageOf } from '../coverage/coverage.ts';
import type { RowCoverage } from '../coverage/coverage.ts';
import { coveragePage, coveredIn } from '../coverage/page.ts';
import { projectClaims } from '../coverage/project.ts';
import { coverageLines, coverageReport, rowLines } from '../coverage/report.ts';
import { judgeClaims, readResults } from '../coverage/results.ts';
import type { RunResults } from '../coverage/results.ts';
import { readJson, readText, writeText } from './report-files.ts';

interface CoverageFlags {
  readonly json?: string;
  readonly results?: readonly string[];
  readonly row?: string;
  readonly docs?: string;
  readonly withdraw?: readonly string[];
}

/** `kennel chaos coverage`: which rows of the failure catalogue are shown, and which are not yet. */
export function coverageCommand(): Command {
  return new Command('coverage')
    .description('tell which rows of docs/failures.md are covered by which kind of test')
    .addHelpText(
      'after',
      '\nRead from the names of tests, the scenarios and what campaigns check; nothing is run.' +
        '\nExit codes: 0; 1 a result is red, an id is unknown, or coverage was lost.',
    )
    .option('--json <file>', 'write the coverage as JSON; - = standard output')
    .option(
      '--results <file...>',
      'what was run: JSON of vitest, of chaos scenario or of chaos sim; say green or red by it',
    )
    .option('--row <id>', 'all claims of one row')
    .option('--docs <file>', 'write the page docs/coverage.md; refused when it would lose a row')
    .option(
      '--withdraw <id...>',
      'rows that the page may lose: they were claimed without being shown',
    )
    .action(async (flags: CoverageFlags) => {
      process.exitCode = await runCoverage(flags);
    });
}

async function runCoverage(flags: CoverageFlags): Promise<number> {
  const results = (flags.results ?? []).map(resultsIn);
  const { catalogue, claims, problems } = await projectClaims();
  const rows = coverageOf(catalogue, judgeClaims(claims, results));
  const say = flags.json === '-' ? console.error : console.log;
  for (const line of flags.row === undefined ? coverageLines(rows) : linesOf(flags.row, rows)) {
    say(line);
  }
  for (const problem of problems) console.error(problem);
  if (flags.json !== undefined) {
    writeText(flags.json, `${JSON.stringify(coverageReport(rows), null, 2)}\n`);
  }
  const lost = flags.docs === undefined ? [] : writePage(flags.docs, rows, flags.withdraw ?? []);
  for (const row of lost) console.error(`${row} was covered before; the page was not written`);
  return problems.length > 0 || lost.length > 0 || rows.some(({ isRed }) => isRed) ? 1 : 0;
}

/** The rows that the page would lose: then it is not written. */
function writePage(
  file: string,
  rows: readonly RowCoverage[],
  withdrawn: readonly string[],
): readonly string[] {
  const page = coveragePage(rows);
  const is = coveredIn(page);
  // `N8` as a whole, or `N8 sim`.
  const may = (row: string): boolean => withdrawn.includes(row.split(' ')[0] ?? row);
  const lost = [...coveredIn(readText(file))].filter((row) => !is.has(row) && !may(row));
  if (lost.length === 0) writeText(file, page);
  return lost;
}

function linesOf(id: string, rows: readonly RowCoverage[]): readonly string[] {
  const found = rows.find(({ row }) => row.id === id);
  if (found !== undefined) return rowLines(found);
  throw new KennelError({
    code: 'E_USAGE',
    what: `${id} is no row of the failure catalogue`,
    because: 'docs/failures.md has no such id',
    so: 'nothing was told',
    try: ['kennel chaos coverage'],
  });
}

function resultsIn(file: string): RunResults {
  const results = readResults(readJson(file));
  if (results !== null) return results;
  throw new KennelError({
    code: 'E_USAGE',
    what: `${file} is no result that is understood`,
    because: 'it is neither of vitest, nor of chaos scenario, nor of chaos sim',
    so: 'nothing was told',
    try: [
      'npx vitest run --reporter=json --outputFile=tests.json',
      'kennel chaos scenario FILE… --json scenarios.json',
      'kennel chaos sim --json sim.json',
    ],
  });
}
