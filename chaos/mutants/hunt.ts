import { readFileSync } from 'node:fs';
import { runCampaign } from '../swarm/campaign.ts';
import { mutantVariable } from './mutant-variable.ts';
import { mutated } from './mutant.ts';
import type { Mutant } from './mutant.ts';

export interface Catch {
  readonly name: string;
  readonly caught: boolean;
  /** Seeds that were run; the last of them showed it. */
  readonly seeds: number;
  readonly checker: string | null;
  readonly message: string | null;
  /** The checker is one of those that were expected. */
  readonly asExpected: boolean;
}

const root = new URL('../../', import.meta.url);

/** Throws when a text of the mutant is not in its file exactly once: it would test nothing. */
export function checkMutant(mutant: Mutant): void {
  for (const file of new Set(mutant.edits.map((edit) => edit.file))) {
    mutated(mutant, file, readFileSync(new URL(file, root), 'utf8'));
  }
}

export interface HuntOptions {
  /** The first seed. Default 1. */
  readonly from?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Plants one defect in a worker process and runs seeds in order until a checker sees it: so the
 * number of seeds is a fact of the code alone, not of who was faster.
 */
export async function hunt(mutant: Mutant, options: HuntOptions = {}): Promise<Catch> {
  checkMutant(mutant);
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const plant = new URL(`plant.${extension}`, import.meta.url);
  const from = options.from ?? 1;
  const { violations } = await runCampaign({
    from,
    seeds: mutant.maxSeeds,
    workers: 1,
    draw: mutant.profile === null ? {} : { profile: mutant.profile },
    stopAtFirst: true,
    execArgv: ['--import', plant.href],
    environment: { ...options.environment, [mutantVariable]: mutant.name },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const [first] = [...violations].sort((a, b) => a.seed - b.seed);
  const violation = first?.violations[0];
  const checker = violation?.checker ?? null;
  return {
    name: mutant.name,
    caught: checker !== null,
    seeds: first === undefined ? mutant.maxSeeds : first.seed - from + 1,
    checker,
    message: violation?.message ?? null,
    asExpected: checker !== null && mutant.expected.includes(checker),
  };
}
