import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

const program = join(import.meta.dirname, '..', '..', 'bin', 'kennel.mjs');

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

/** Runs `kennel …` to its end, whatever that is. */
export async function kennel(
  argv: readonly string[],
  options: { readonly config?: string; readonly input?: string } = {},
): Promise<Finished> {
  const child = spawn(process.execPath, [program, ...argv], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      ...(options.config === undefined ? {} : { KENNEL_CONFIG: options.config }),
    },
  });
  const texts = { out: '', errors: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.errors += chunk.toString()));
  child.stdin.end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...texts };
}

/** One `kennel manager run` on loopback. */
export class ManagerProcess {
  readonly name: string;
  readonly directory: string;
  readonly apiPort: number;
  readonly sessionPort: number;
  #child: ChildProcess | null = null;
  #printed = '';

  constructor(name: string, directory: string, ports: readonly [number, number]) {
    this.name = name;
    this.directory = directory;
    [this.apiPort, this.sessionPort] = ports;
  }

  get address(): string {
    return `127.0.0.1:${this.apiPort}`;
  }

  /** What it printed, over all its runs. */
  get printed(): string {
    return this.#printed;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.name} does not run`);
    return pid;
  }

  start(): void {
    const argv = [program, 'manager', 'run', '--directory', this.directory];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    const note = (chunk: Buffer): void => {
      this.#printed += chunk.toString();
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    this.#child = child;
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** The exit code of a process that ends by itself. */
  async ended(): Promise<number | null> {
    const child = this.#child;
    if (child === null) throw new Error(`${this.name} does not run`);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Command line and environment as every user of the machine can read them. */
  commandLine(): string {
    return execFileSync('cat', [`/proc/${this.pid}/cmdline`]).toString();
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port was given');
  return address.port;
}
