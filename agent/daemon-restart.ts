import type { Env, Timer } from '../src/env/env.ts';
import type { ProcessResult } from '../src/env/processes.ts';
import type { AgentTuning } from './tuning.ts';

interface DaemonRestartOptions {
  readonly env: Env;
  /** Program and arguments; null = the daemon is left to others. */
  readonly command: readonly string[] | null;
  readonly tuning: Pick<
    AgentTuning,
    'restartAfterMs' | 'maxRestartPauseMs' | 'restartTimeoutMs' | 'restartForgetMs'
  >;
  /** `text` is new. */
  readonly onChange: () => void;
}

const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
const maxOutputBytes = 4096;

/**
 * Restarts the hypervisor's daemon when it has not answered for a while (FAILURES N11). Guests are
 * processes of their own and run on; nothing here touches them. The pauses double, so that a daemon
 * that cannot come up is not kept from telling why.
 */
export class DaemonRestart {
  readonly #options: DaemonRestartOptions;
  #silent = false;
  #timer: Timer | null = null;
  #running = false;
  #attempts = 0;
  #answeredSinceMs: number | null = null;
  #text: string | null = null;
  #stopped = false;

  constructor(options: DaemonRestartOptions) {
    this.#options = options;
  }

  /** What is being done about a daemon that does not answer, for people; null = it answers. */
  get text(): string | null {
    return this.#text;
  }

  /** Told with every look at the hypervisor. */
  note(answers: boolean): void {
    if (this.#stopped || answers === !this.#silent) return;
    this.#silent = !answers;
    const nowMs = this.#options.env.clock.monotonicMs();
    if (answers) {
      this.#timer?.cancel();
      this.#timer = null;
      this.#answeredSinceMs = nowMs;
      this.#say(null);
      return;
    }
    const { restartForgetMs } = this.#options.tuning;
    const since = this.#answeredSinceMs;
    if (since === null || nowMs - since >= restartForgetMs) this.#attempts = 0;
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    const { env, command, tuning } = this.#options;
    if (command === null || this.#running) return;
    const pauseMs = Math.min(
      tuning.maxRestartPauseMs,
      tuning.restartAfterMs * 2 ** Math.min(this.#attempts, 16),
    );
    this.#timer = env.timers.after(pauseMs, () => void this.#restart(command));
  }

  async #restart([file = '', ...rest]: readonly string[]): Promise<void> {
    const { env, tuning } = this.#options;
    this.#timer = null;
    this.#running = true;
    this.#attempts += 1;
    env.log.warn(
      { file, attempt: this.#attempts },
      'the hypervisor does not answer; restarting it',
    );
    const result = await env.processes.run({
      file,
      arguments: rest,
      input: '',
      environment,
      timeoutMs: tuning.restartTimeoutMs,
      maxOutputBytes,
    });
    this.#running = false;
    if (this.#stopped) return;
    const times = this.#attempts === 1 ? 'once' : `${this.#attempts} times`;
    const text = `its daemon was restarted ${times}, the last time ${endOf(result)}`;
    env.log.warn({ file, attempt: this.#attempts }, text);
    if (!this.#silent) return;
    this.#say(text);
    this.#arm();
  }

  #say(text: string | null): void {
    if (this.#text === text) return;
    this.#text = text;
    this.#options.onChange();
  }
}

function endOf(result: ProcessResult): string {
  switch (result.kind) {
    case 'exited':
      if (result.code === 0) return 'with success';
      return `with exit code ${result.code}: ${result.stderr.trim().slice(0, 200)}`;
    case 'killed':
      return `without an end (${result.because})`;
    case 'notStarted':
      return `in vain: ${result.because}`;
    default:
      return result satisfies never;
  }
}
