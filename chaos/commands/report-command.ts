import { Command } from 'commander';
import { KennelError } from '../../src/errors/kennel-error.ts';
import type { InputName, ReportInputs } from '../report/inputs.ts';
import { readJson, writeText } from './report-files.ts';

type ReportFlags = { readonly out: string } & { readonly [name in InputName]?: string };

/** `kennel chaos report`: one page of what the other commands found, for people. */
export function reportCommand(): Command {
  return new Command('report')
    .description('write one self-contained HTML page from the JSON of the other commands')
    .addHelpText(
      'after',
      '\nWhat is not given is named on the page. The page needs no network and runs no script.',
    )
    .option('--out <file>', 'where the page is written; - = standard output', 'chaos-report.html')
    .option('--sim <file>', 'of kennel chaos sim --json')
    .option('--mutants <file>', 'of kennel chaos mutants --json')
    .option('--scenarios <file>', 'of kennel chaos scenario --json')
    .option('--real <file>', 'of kennel chaos real --json')
    .option('--coverage <file>', 'of kennel chaos coverage --json')
    .action(async (flags: ReportFlags) => {
      await writeReport(flags);
    });
}

async function writeReport(flags: ReportFlags): Promise<void> {
  const inputs = await readInputs(flags);
  const { reportPage } = await import('../report/page.ts');
  const madeAt = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  writeText(flags.out, reportPage(inputs, madeAt));
  if (flags.out !== '-') console.log(`written to ${flags.out}`);
}

/** Throws `KennelError` that names the file and each field that is not as its command writes it. */
async function readInputs(flags: ReportFlags): Promise<ReportInputs> {
  const { inputSchemas, noInputs, sourceCommands } = await import('../report/inputs.ts');
  const read = <const N extends InputName>(name: N): ReportInputs[N] => {
    const file = flags[name];
    if (file === undefined) return noInputs[name];
    const parsed = inputSchemas[name].safeParse(readJson(file));
    if (parsed.success) return parsed.data as ReportInputs[N];
    throw new KennelError({
      code: 'E_USAGE',
      what: `${file} is not a report of ${sourceCommands[name].split(' --')[0] ?? name}`,
      because: parsed.error.issues
        .slice(0, 5)
        .map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`)
        .join('; '),
      so: 'no page was written',
      try: [sourceCommands[name]],
    });
  };
  return {
    sim: read('sim'),
    mutants: read('mutants'),
    scenarios: read('scenarios'),
    real: read('real'),
    coverage: read('coverage'),
  };
}
