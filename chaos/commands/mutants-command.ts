import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { hunt } from '../mutants/hunt.ts';
import type { Catch } from '../mutants/hunt.ts';
import { mutants } from '../mutants/mutants.ts';

interface MutantFlags {
  readonly json?: string;
  readonly only?: string;
  readonly workers: number;
  readonly list?: boolean;
}

/** `kennel chaos mutants`: plants each known defect and demands that the campaign finds it. */
export function mutantsCommand(): Command {
  return new Command('mutants')
    .description('plant defects, one by one, and see that the campaign catches each')
    .option('--json <file>', 'write the result as JSON')
    .option('--only <text>', 'those whose name contains the text')
    .option('--workers <n>', 'processes', workerCount, 2)
    .option('--list', 'name them and do nothing')
    .action(async (flags: MutantFlags) => {
      process.exitCode = await runMutants(flags);
    });
}

async function runMutants(flags: MutantFlags): Promise<number> {
  const chosen = mutants.filter(({ name }) => name.includes(flags.only ?? ''));
  if (flags.list === true) {
    for (const { name, summary } of chosen) console.log(`${name.padEnd(32)} ${summary}`);
    return 0;
  }
  const caught: Catch[] = [];
  for (const mutant of chosen) {
    const one = await hunt(mutant, { workers: flags.workers });
    caught.push(one);
    const end = one.caught ? `caught by ${one.checker} in ${one.seeds} seeds` : 'SURVIVED';
    console.log(`${one.name.padEnd(32)} ${end}`);
  }
  if (flags.json !== undefined) {
    writeFileSync(flags.json, `${JSON.stringify({ mutants: caught }, null, 2)}\n`);
  }
  const escaped = caught.filter((one) => !one.caught).length;
  console.log(`${caught.length - escaped} of ${caught.length} caught`);
  return escaped > 0 || caught.length === 0 ? 1 : 0;
}

function workerCount(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('from 1 to 99');
  return Number(text);
}
