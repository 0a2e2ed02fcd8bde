import { DiskError } from '../src/env/disk.ts';
import type { Env, Timer } from '../src/env/env.ts';
import type { ProcessResult } from '../src/env/processes.ts';
import type { GoingDown, HostPower } from './host-power.ts';

/** logind is asked this often whether a shutdown has begun, in ms. It allows a delay of 5 s at least. */
const lookMs = 1000;
const answerMs = 5000;
/** A lock that ends by itself is taken again after so long, in ms. */
const retryMs = 10_000;
const lockMs = 2 ** 31 - 1;

const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
const login1 = ['org.freedesktop.login1', '/org/freedesktop/login1'] as const;
const manager = 'org.freedesktop.login1.Manager';
const scheduledFile = '/run/systemd/shutdown/scheduled';

/**
 * The machine's shutdown through logind: a delay lock is held while the agent runs, and given up once the
 * machine may go down. logind lets it be delayed by `InhibitDelayMaxSec`, which deploy/systemd raises.
 *
 * Whether it is a reboot is told by systemd 255 and later, or by the file of a scheduled shutdown;
 * otherwise it counts as a shutdown, whose VMs do not wait for the node.
 */
export class SystemdPower implements HostPower {
  readonly #env: Pick<Env, 'processes' | 'timers' | 'disk' | 'log'>;
  readonly #pid: number;
  readonly #closing = new AbortController();
  #lock: AbortController | null = null;
  #isLetGo = false;
  #kind: GoingDown | null = null;
  #timer: Timer | null = null;

  /** `pid`: of this program. The lock ends with it, also when it is killed. */
  constructor(env: Pick<Env, 'processes' | 'timers' | 'disk' | 'log'>, pid: number) {
    this.#env = env;
    this.#pid = pid;
  }

  watch(onChange: (kind: GoingDown | null) => void): void {
    void this.#blockSleep();
    this.#hold();
    void this.#look(onChange);
  }

  letGo(): void {
    this.#isLetGo = true;
    this.#lock?.abort();
  }

  async goDown(kind: GoingDown): Promise<string | null> {
    const verb = kind === 'reboot' ? 'reboot' : 'poweroff';
    const result = await this.#run('systemctl', ['--no-wall', verb], answerMs * 6);
    return result.kind === 'exited' && result.code === 0 ? null : textOf(result);
  }

  close(): void {
    this.#closing.abort();
    this.#timer?.cancel();
    this.#lock?.abort();
  }

  #hold(): void {
    if (this.#closing.signal.aborted || this.#isLetGo || this.#lock !== null) return;
    this.#lock = new AbortController();
    void this.#delayShutdown(this.#lock.signal);
  }

  async #delayShutdown(signal: AbortSignal): Promise<void> {
    const why = 'the VMs of this node are cared for first';
    const result = await this.#inhibit('shutdown', 'delay', why, signal);
    this.#lock = null;
    if (signal.aborted) return;
    this.#env.log.warn({ result: textOf(result) }, 'the lock against shutdowns was lost');
    this.#env.timers.after(retryMs, () => this.#hold());
  }

  /** A node that sleeps is silent with its VMs in its memory, and no reading of its power tells (FAILURES N27). */
  async #blockSleep(): Promise<void> {
    const { signal } = this.#closing;
    const result = await this.#inhibit('sleep', 'block', 'VMs run here', signal);
    if (signal.aborted) return;
    this.#env.log.warn({ result: textOf(result) }, 'the lock against sleeping was lost');
    this.#env.timers.after(retryMs, () => void this.#blockSleep());
  }

  #inhibit(
    what: 'shutdown' | 'sleep',
    mode: 'delay' | 'block',
    why: string,
    signal: AbortSignal,
  ): Promise<ProcessResult> {
    const options = [`--what=${what}`, `--mode=${mode}`, '--who=kennel-agent', `--why=${why}`];
    // It ends with this program, whatever ends that.
    const holder = ['tail', `--pid=${this.#pid}`, '-f', '/dev/null'];
    return this.#run('systemd-inhibit', [...options, ...holder], lockMs, signal);
  }

  async #look(onChange: (kind: GoingDown | null) => void): Promise<void> {
    const kind = await this.#asked();
    if (this.#closing.signal.aborted) return;
    if (kind !== undefined && kind !== this.#kind) {
      this.#kind = kind;
      if (kind === null) {
        this.#isLetGo = false;
        this.#hold();
      }
      onChange(kind);
    }
    this.#timer = this.#env.timers.after(lookMs, () => void this.#look(onChange));
  }

  /** What logind is at; null = nothing, undefined = it did not say. */
  async #asked(): Promise<GoingDown | null | undefined> {
    const preparing = await this.#property('PreparingForShutdown');
    if (preparing === undefined) return undefined;
    if (!preparing.endsWith('true')) return null;
    // Once said, it is not asked again what it is.
    if (this.#kind !== null) return this.#kind;
    const metadata = (await this.#property('PreparingForShutdownWithMetadata')) ?? '';
    const mode = `${metadata} ${await this.#scheduled()}`;
    return /"(soft-|k)?(reboot|exec)"|MODE=(reboot|kexec)/.test(mode) ? 'reboot' : 'shutdown';
  }

  async #property(name: string): Promise<string | undefined> {
    const result = await this.#run('busctl', ['get-property', ...login1, manager, name], answerMs);
    return result.kind === 'exited' && result.code === 0 ? result.stdout.trim() : undefined;
  }

  async #scheduled(): Promise<string> {
    try {
      const bytes = await this.#env.disk.read(scheduledFile);
      return bytes === null ? '' : new TextDecoder().decode(bytes);
    } catch (error) {
      if (error instanceof DiskError) return '';
      throw error;
    }
  }

  #run(
    file: string,
    given: readonly string[],
    timeoutMs: number,
    signal: AbortSignal = this.#closing.signal,
  ): Promise<ProcessResult> {
    return this.#env.processes.run({
      file,
      arguments: given,
      input: '',
      environment,
      timeoutMs,
      maxOutputBytes: 4096,
      signal,
    });
  }
}

function textOf(result: ProcessResult): string {
  switch (result.kind) {
    case 'exited':
      return `exit code ${result.code}: ${result.stderr.trim()}`;
    case 'killed':
      return `killed: ${result.because}`;
    case 'notStarted':
      return result.because;
    default:
      return result satisfies never;
  }
}
