import { drawScenario } from './draw.ts';
import type { DrawOptions } from './draw.ts';
import { runScenario } from './run-scenario.ts';
import type { RunOptions, SeedResult } from './run-scenario.ts';
import { addTallies, noTally, tallyOf } from './tally.ts';
import type { Tally } from './tally.ts';

/** Work for one worker process: every `step`th seed. */
export interface WorkerJob {
  readonly from: number;
  readonly count: number;
  readonly step: number;
  readonly draw: DrawOptions;
  /** End at the first violation. */
  readonly stopAtFirst: boolean;
}

export type WorkerMessage =
  | { readonly kind: 'progress'; readonly tally: Tally }
  | { readonly kind: 'violation'; readonly result: SeedResult }
  | { readonly kind: 'done'; readonly tally: Tally };

/** Seeds between two words about the progress. */
const tellEvery = 20;

/** Runs its seeds one after the other and tells what it sees. */
export async function work(job: WorkerJob, tell: (message: WorkerMessage) => void): Promise<void> {
  let tally = noTally;
  let untold = noTally;
  for (let index = 0; index < job.count; index += 1) {
    const seed = job.from + index * job.step;
    const before = process.cpuUsage();
    const result = await runSeed(seed, job.draw);
    const { user, system } = process.cpuUsage(before);
    const one = tallyOf(result, (user + system) / 1000);
    tally = addTallies(tally, one);
    untold = addTallies(untold, one);
    if (result.violations.length > 0) tell({ kind: 'violation', result });
    if (untold.seeds >= tellEvery) {
      tell({ kind: 'progress', tally: untold });
      untold = noTally;
    }
    if (job.stopAtFirst && result.violations.length > 0) break;
  }
  tell({ kind: 'done', tally });
}

export function runSeed(
  seed: number,
  draw: DrawOptions,
  options: RunOptions = {},
): Promise<SeedResult> {
  return runScenario(drawScenario(seed, draw), options);
}
