import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runCommand } from '../../deploy/lab/command.ts';
import { LabError } from '../../deploy/lab/lab-error.ts';
import { toolPath } from '../../deploy/lab/tool-path.ts';
import { waitUntil } from '../../deploy/lab/wait-until.ts';
import type { Run } from './summary.ts';

/** Debian's names of what the peer's bench needs; its fence agent is mounted over one of theirs. */
export const pacemakerPackages = [
  'corosync',
  'pacemaker',
  'pacemaker-cli-utils',
  'crmsh',
  'fence-agents',
  'perl',
  'python3',
] as const;

const programs = [
  'corosync',
  'pacemakerd',
  'cibadmin',
  'crm_mon',
  'crmadmin',
  'fence_dummy',
  'perl',
  'ip',
];
const installTimeoutMs = 600_000;
/** How long a bench that was told to end may take to remove its namespaces. */
const cleanUpMs = 60_000;

export interface PacemakerConfig {
  readonly label: string;
  /** Milliseconds; empty = what a fresh installation has. */
  readonly token: string;
  readonly totem: string;
}

/** Programs of the peer that this machine lacks. */
export function missingPrograms(): readonly string[] {
  const directories = toolPath().split(delimiter);
  return programs.filter((name) => !directories.some((each) => existsSync(join(each, name))));
}

/** Installs the peer with apt-get. @throws LabError with apt's words when it fails. */
export async function installPacemaker(): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...pacemakerPackages];
  for (const argv of [['apt-get', 'update'], install]) {
    const result = await runCommand(argv, { timeoutMs: installTimeoutMs, env });
    if (result.code === 0) continue;
    const because = result.stderr.trim().split('\n').slice(-3).join(' ');
    throw new LabError('BENCH_INSTALL', argv.join(' '), because, 'install them by hand');
  }
}

/**
 * One repetition of the peer's own bench (`run.sh` in `bench`), used where it lies. Its namespaces
 * get names of their own, its files a new directory below `directory`; both are removed.
 *
 * @throws Error with the last words of the bench when it gave no result.
 */
export async function runPacemakerBench(options: {
  readonly bench: string;
  readonly config: PacemakerConfig;
  readonly vms: number;
  readonly bmcDelayMs: number;
  readonly directory: string;
  readonly signal: AbortSignal;
}): Promise<Run> {
  const { label, token, totem } = options.config;
  const work = mkdtempSync(join(options.directory, 'pacemaker-bench-'));
  const results = join(work, 'results.jsonl');
  const output = join(work, 'output.log');
  const words = [label, token, totem, String(options.vms), '1', String(options.bmcDelayMs)];
  try {
    const code = await runScript(join(options.bench, 'run.sh'), words, {
      env: { WORK: work, RESULTS: results, P: `kb${process.pid}` },
      output,
      timeoutMs: 180_000 + options.vms * 1500,
      signal: options.signal,
    });
    options.signal.throwIfAborted();
    const line = existsSync(results) ? readFileSync(results, 'utf8').trim() : '';
    if (line === '') {
      const last = readFileSync(output, 'utf8').trim().split('\n').slice(-3).join(' ');
      throw new Error(`the bench of Pacemaker gave no result (code ${code}): ${last}`);
    }
    return JSON.parse(line) as Run;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Runs it to its end. When it takes too long, or `signal` aborts, it is told to clean up. */
async function runScript(
  script: string,
  words: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly output: string;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  },
): Promise<number | null> {
  const log = openSync(options.output, 'a', 0o600);
  const child = spawn('bash', [script, ...words], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log, log],
    env: { ...process.env, LC_ALL: 'C', PATH: toolPath(), ...options.env },
  });
  closeSync(log);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  child.on('error', () => undefined);
  try {
    await waitUntil('the bench of Pacemaker ends', () => hasEnded() || child.pid === undefined, {
      timeoutMs: options.timeoutMs,
      everyMs: 100,
      signal: options.signal,
    });
  } finally {
    if (child.pid !== undefined && !hasEnded()) {
      child.kill('SIGTERM');
      await waitUntil('the bench of Pacemaker has cleaned up', hasEnded, { timeoutMs: cleanUpMs });
    }
  }
  return child.exitCode;
}
