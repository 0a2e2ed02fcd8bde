import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { checkMutant, hunt } from '../mutants/hunt.ts';
import type { Catch, HuntOptions } from '../mutants/hunt.ts';
import type { Mutant } from '../mutants/mutant.ts';
import { mutants } from '../mutants/mutants.ts';
import { withCompileCache } from '../swarm/compile-cache.ts';
import { Progress } from './progress.ts';

interface MutantFlags {
  readonly json?: string;
  readonly only?: string;
  readonly workers: number;
  readonly from: number;
  readonly list?: boolean;
}

/** `kennel chaos mutants`: plants each known defect and demands that the campaign finds it. */
export function mutantsCommand(): Command {
  return new Command('mutants')
    .description('plant defects, one by one, and see that the campaign catches each')
    .option('--json <file>', 'write the result as JSON')
    .option('--only <text>', 'those whose name contains the text')
    .option('--from <seed>', 'the first seed of each hunt', wholeNumber, 1)
    .option('--workers <n>', 'hunts at a time', workerCount, 2)
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
  // All of them first: a source that has moved on is to be heard of at once, not after minutes.
  for (const mutant of chosen) checkMutant(mutant);
  const progress = new Progress(chosen.length, 'mutants');
  const caught = await withCompileCache((environment) =>
    huntAll(chosen, { ...flags, environment }, (ended) => {
      progress.show(ended.length, ended.filter((one) => !one.caught).length, 'survived');
    }),
  );
  progress.end();
  for (const one of caught) {
    const end = one.caught ? `caught by ${one.checker} in ${one.seeds} seeds` : 'SURVIVED';
    const odd = one.caught && !one.asExpected ? ' (not a checker that was expected)' : '';
    console.log(`${one.name.padEnd(32)} ${end}${odd}`);
  }
  if (flags.json !== undefined)
    writeFileSync(flags.json, `${JSON.stringify(report(caught), null, 2)}\n`);
  const escaped = caught.filter((one) => !one.caught).length;
  console.log(`${caught.length - escaped} of ${caught.length} caught`);
  return escaped > 0 || caught.length === 0 ? 1 : 0;
}

/** Several hunts at a time, each in a process of its own; the answers in the order of the list. */
async function huntAll(
  chosen: readonly Mutant[],
  options: HuntOptions & { readonly workers: number },
  onEnd: (ended: readonly Catch[]) => void,
): Promise<readonly Catch[]> {
  const ends = new Map<Mutant, Catch>();
  const queue = [...chosen];
  const stop = new AbortController();
  const take = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      ends.set(next, await hunt(next, { ...options, signal: stop.signal }));
      onEnd([...ends.values()]);
    }
  };
  try {
    await Promise.all(Array.from({ length: options.workers }, take));
  } finally {
    stop.abort();
  }
  return chosen.flatMap((mutant) => ends.get(mutant) ?? []);
}

function report(caught: readonly Catch[]): object {
  return {
    mutants: caught.map(({ name, caught: is, seeds, checker }) => ({
      name,
      caught: is,
      seeds,
      checker,
    })),
  };
}

function workerCount(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('from 1 to 99');
  return Number(text);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('a whole number, for example 100');
  return Number(text);
}
