import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DrawOptions } from './draw.ts';
import type { SeedResult } from './run-scenario.ts';
import { atInterruption } from './at-interruption.ts';
import { addTallies, noTally } from './tally.ts';
import type { Tally } from './tally.ts';
import type { WorkerJob, WorkerMessage } from './worker.ts';

/**
 * A run makes much garbage and keeps little of it: a larger nursery is copied less often. There are
 * as many workers as cores, so that a collector with helpers of its own only pays for waking them.
 */
const workerFlags = [
  '--disable-warning=ExperimentalWarning',
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
  '--single-threaded-gc',
];

export interface CampaignOptions {
  readonly from: number;
  readonly seeds: number;
  readonly workers: number;
  readonly draw: DrawOptions;
  readonly stopAtFirst: boolean;
  /** Node options for the workers, for example a module that plants a defect. */
  readonly execArgv?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly onProgress?: (tally: Tally, violations: number) => void;
  readonly signal?: AbortSignal;
}

export interface CampaignEnd {
  readonly tally: Tally;
  readonly violations: readonly SeedResult[];
}

/**
 * Runs seeds in worker processes, split so that each gets every n-th. Rejects when a worker ends in
 * another way than by finishing; none is left running, whatever happens, a signal to this process
 * included.
 */
export async function runCampaign(options: CampaignOptions): Promise<CampaignEnd> {
  const violations: SeedResult[] = [];
  let told = noTally;
  const workers = Math.max(1, Math.min(options.workers, options.seeds));
  const stop = new AbortController();
  const signals = options.signal === undefined ? [] : [options.signal];
  const signal = AbortSignal.any([stop.signal, ...signals]);
  const jobs = Array.from({ length: workers }, (_, index): WorkerJob => ({
    from: options.from + index,
    step: workers,
    count: Math.ceil((options.seeds - index) / workers),
    draw: options.draw,
    stopAtFirst: options.stopAtFirst,
  }));
  const hear = (message: WorkerMessage): void => {
    if (message.kind === 'progress') told = addTallies(told, message.tally);
    if (message.kind === 'violation') {
      violations.push(message.result);
      if (options.stopAtFirst) stop.abort();
    }
    options.onProgress?.(told, violations.length);
  };
  const disregard = atInterruption(() => stop.abort());
  try {
    const ends = await Promise.all(jobs.map((job) => runWorker(job, options, hear, signal)));
    return { tally: ends.reduce(addTallies, noTally), violations };
  } finally {
    disregard();
    stop.abort();
  }
}

function runWorker(
  job: WorkerJob,
  options: CampaignOptions,
  hear: (message: WorkerMessage) => void,
  signal: AbortSignal,
): Promise<Tally> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const path = fileURLToPath(new URL(`worker-main.${extension}`, import.meta.url));
  const child = fork(path, {
    execArgv: [...workerFlags, ...(options.execArgv ?? [])],
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    let tally = noTally;
    let isDone = false;
    const kill = (): void => void child.kill('SIGKILL');
    if (signal.aborted) kill();
    signal.addEventListener('abort', kill, { once: true });
    child.on('message', (message: WorkerMessage) => {
      if (message.kind === 'done') {
        tally = message.tally;
        isDone = true;
      } else {
        if (message.kind === 'progress' && signal.aborted) return;
        hear(message);
      }
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      signal.removeEventListener('abort', kill);
      if (isDone || signal.aborted) resolve(tally);
      else reject(new Error(`a worker ended with code ${code}: ${complaint}`));
    });
    child.send(job);
  });
}
