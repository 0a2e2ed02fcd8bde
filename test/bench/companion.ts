import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { LabError } from '../../deploy/lab/lab-error.ts';
import { toolPath } from '../../deploy/lab/tool-path.ts';
import { waitUntil } from '../../deploy/lab/wait-until.ts';

const readyTimeoutMs = 20_000;
const endTimeoutMs = 20_000;

/** Says how a program ended, in words. */
const endOf = (child: ChildProcess): string | null => {
  if (child.exitCode !== null) return `ended with code ${child.exitCode}`;
  return child.signalCode === null ? null : `was ended by ${child.signalCode}`;
};

/**
 * A program that runs for as long as this one and no longer: it waits for the end of its standard
 * input, which is a pipe from here. So nothing is left, whatever ends this process. It has a
 * session of its own, because Ctrl-C is for this process alone, which then cleans up in order.
 */
export class Companion {
  /** The first line of its standard output; with it the program says that it is ready. */
  readonly firstLine: string;
  readonly pid: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, pid: number, firstLine: string) {
    this.#child = child;
    this.pid = pid;
    this.firstLine = firstLine;
  }

  /** @throws LabError BENCH_COMPANION when it ends, or says nothing, before it is ready. */
  static async start(argv: readonly string[], logFile: string): Promise<Companion> {
    const [file = '', ...rest] = argv;
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(file, rest, {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'pipe', log],
      env: { ...process.env, LC_ALL: 'C', PATH: toolPath() },
    });
    closeSync(log);
    let failure: string | null = null;
    let firstLine: string | null = null;
    child.on('error', (error) => {
      failure = error.message;
    });
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).once('line', (line) => {
        firstLine = line;
      });
    }
    try {
      await waitUntil(
        'its first line',
        () => firstLine !== null || failure !== null || endOf(child) !== null,
        { timeoutMs: readyTimeoutMs, everyMs: 5 },
      );
    } finally {
      if (firstLine === null) child.kill('SIGKILL');
    }
    if (firstLine === null || child.pid === undefined) {
      const because = failure ?? endOf(child) ?? 'it said nothing';
      throw new LabError('BENCH_COMPANION', argv.join(' '), because, `look at ${logFile}`);
    }
    return new Companion(child, child.pid, firstLine);
  }

  /** Ends it by closing its standard input. Returns when it is gone. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.gone();
  }

  async gone(): Promise<void> {
    await waitUntil(`process ${this.pid} is gone`, () => endOf(this.#child) !== null, {
      timeoutMs: endTimeoutMs,
      everyMs: 5,
    });
  }
}
