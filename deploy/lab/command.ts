import { execa } from 'execa';
import { LabError } from './lab-error.ts';
import { toolPath } from './tool-path.ts';

export interface CommandResult {
  /** Exit code; null when it was killed or could not be started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface CommandOptions {
  /** SIGKILL after this many ms; default 30 s. */
  readonly timeoutMs?: number;
  readonly input?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a program to its end and returns how it went. Never rejects. */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [file = '', ...rest] = argv;
  const result = await execa(file, rest, {
    reject: false,
    timeout: options.timeoutMs ?? 30_000,
    killSignal: 'SIGKILL',
    cwd: '/',
    input: options.input ?? '',
    env: { LC_ALL: 'C', PATH: toolPath(), ...options.env },
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  const failure = result.exitCode === undefined ? (result.shortMessage ?? '') : '';
  return {
    code: result.exitCode ?? null,
    stdout: result.stdout,
    stderr: result.stderr === '' ? failure : result.stderr,
    timedOut: result.timedOut,
  };
}

/**
 * Runs a program that has to succeed and returns its stdout.
 *
 * @throws LabError LAB_COMMAND_FAILED with the program's own words.
 */
export async function mustRun(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await runCommand(argv, options);
  if (result.code === 0) return result.stdout;
  options.signal?.throwIfAborted();
  const words = (result.stderr === '' ? result.stdout : result.stderr).trim();
  throw new LabError(
    'LAB_COMMAND_FAILED',
    argv.join(' '),
    result.timedOut ? 'did not end in time' : `code ${result.code}: ${words}`,
    'run `kennel lab down`, then `kennel lab up` again',
  );
}
