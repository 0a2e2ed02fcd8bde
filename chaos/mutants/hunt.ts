import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
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
  const found = await (mutant.ground === 'raftGroup'
    ? huntInRaftGroups(mutant, options)
    : huntInClusters(mutant, options));
  const { seeds, checker, message } = found ?? {
    seeds: mutant.maxSeeds,
    checker: null,
    message: null,
  };
  return {
    name: mutant.name,
    caught: checker !== null,
    seeds,
    checker,
    message,
    asExpected: checker !== null && mutant.expected.includes(checker),
  };
}

interface Found {
  readonly seeds: number;
  readonly checker: string;
  readonly message: string;
}

async function huntInClusters(mutant: Mutant, options: HuntOptions): Promise<Found | null> {
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
  if (first === undefined || violation === undefined) return null;
  return { seeds: first.seed - from + 1, ...violation };
}

/** The groups run in a process of their own too: the defect is planted when modules are loaded. */
async function huntInRaftGroups(mutant: Mutant, options: HuntOptions): Promise<Found | null> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const plant = new URL(`plant.${extension}`, import.meta.url);
  const main = new URL(`raft-group-main.${extension}`, import.meta.url);
  const from = options.from ?? 1;
  const argv = ['--import', plant.href, fileURLToPath(main), `${from}`, `${mutant.maxSeeds}`];
  const { stdout } = await promisify(execFile)(process.execPath, argv, {
    env: { ...process.env, ...options.environment, [mutantVariable]: mutant.name },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const found = JSON.parse(stdout) as { readonly seed: number; readonly message: string } | null;
  return found === null
    ? null
    : { seeds: found.seed - from + 1, checker: 'raftGroup', message: found.message };
}
