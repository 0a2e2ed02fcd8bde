import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { controlGroupMount } from '../../deploy/lab/control-group.ts';
import { mustRun, type CommandOptions } from '../../deploy/lab/command.ts';
import { LabError } from '../../deploy/lab/lab-error.ts';
import {
  alive,
  identify,
  signalProcess,
  type ProcessIdentity,
} from '../../deploy/lab/process-identity.ts';
import { toolPath } from '../../deploy/lab/tool-path.ts';
import { waitUntil } from '../../deploy/lab/wait-until.ts';
import { nodeAddress, type BenchNetwork } from './bench-network.ts';
import { writePowerFile } from './bmc-files.ts';
import { Companion } from './companion.ts';

const initScript = join(import.meta.dirname, 'node-init.sh');
const serviceEndMs = 20_000;

/** A running boot of a node. */
interface Boot {
  readonly companion: Companion;
  readonly init: ProcessIdentity;
}

/**
 * One node: network, mount, pid, ipc and uts namespaces, without an init system. Its network
 * namespace outlives its boots, as the cable and the card of a machine do.
 */
export class BenchNode {
  readonly number: number;
  readonly name: string;
  readonly address: string;
  /** On the host's disk; the same over all boots. */
  readonly directory: string;
  readonly #network: BenchNetwork;
  readonly #bmcDirectory: string;
  readonly #services = new Map<string, ChildProcess>();
  #boot: Boot | null = null;

  constructor(options: {
    readonly number: number;
    readonly directory: string;
    readonly bmcDirectory: string;
    readonly network: BenchNetwork;
  }) {
    this.number = options.number;
    this.name = `node${options.number}`;
    this.address = nodeAddress(options.number);
    this.directory = options.directory;
    this.#bmcDirectory = options.bmcDirectory;
    this.#network = options.network;
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    writeFileSync(this.machineIdFile, `${randomUUID().replaceAll('-', '')}\n`);
  }

  get machineIdFile(): string {
    return join(this.directory, 'machine-id');
  }

  get bootIdFile(): string {
    return join(this.directory, 'boot-id');
  }

  logFile(service: string): string {
    return join(this.directory, `${service}.log`);
  }

  /** The control group of its petter, on the machine of the bench. */
  get petterGroup(): string {
    return join(
      controlGroupMount() ?? '/sys/fs/cgroup',
      `kennel-bench-${process.pid}-${this.name}`,
    );
  }

  isServing(service: string): boolean {
    const child = this.#services.get(service);
    return child !== undefined && !hasEnded(child);
  }

  /** False from its crash on. */
  get isOn(): boolean {
    return this.#boot !== null && alive(this.#boot.init);
  }

  async powerOn(): Promise<void> {
    await this.#network.setPort(this.number, 'up');
    const network = ['nsenter', `--net=${this.#network.namespaceOf(this.number)}`, '--'];
    const spaces = ['unshare', '--mount', '--pid', '--ipc', '--uts', '--fork', '--'];
    const init1 = ['bash', initScript, this.directory, this.name];
    const companion = await Companion.start(
      [...network, ...spaces, ...init1],
      this.logFile('init'),
    );
    const init = identify(Number(companion.firstLine));
    if (init === null) {
      throw new LabError('BENCH_NODE', this.name, 'process 1 ended at once', 'see init.log');
    }
    this.#boot = { companion, init };
    writePowerFile(this.#bmcDirectory, this.name, init);
  }

  /** The switch port goes down: what leaves the node reaches nobody, and nothing reaches it. */
  async cut(): Promise<void> {
    await this.#network.setPort(this.number, 'down');
  }

  /** SIGKILL for process 1, and by it for every process of the node at once. */
  kill(): void {
    if (this.#boot !== null) signalProcess(this.#boot.init, 'SIGKILL');
  }

  /** Returns when no process of the node is left. */
  async gone(): Promise<void> {
    await this.#boot?.companion.gone();
    for (const name of this.#services.keys()) await this.#serviceGone(name);
    this.#boot = null;
  }

  /** Runs a program in the node to its end. @throws LabError when it fails. */
  async run(argv: readonly string[], options?: CommandOptions): Promise<string> {
    return mustRun([...this.#enter(), ...argv], options);
  }

  /** Starts a program that goes on by itself in the node. Its output goes to `NAME.log`. */
  startService(name: string, argv: readonly string[]): void {
    const [file = '', ...rest] = [...this.#enter(), ...argv];
    const log = openSync(this.logFile(name), 'a', 0o600);
    const child = spawn(file, rest, {
      detached: true,
      cwd: '/',
      stdio: ['ignore', log, log],
      env: { ...process.env, LC_ALL: 'C', PATH: toolPath() },
    });
    closeSync(log);
    const note = (words: string): void => appendFileSync(this.logFile(name), `${words}\n`);
    child.on('error', (error) => note(error.message));
    child.on('exit', (code, signal) => note(`${name} ended: ${signal ?? `code ${code}`}`));
    this.#services.set(name, child);
  }

  /** @throws LabError BENCH_SERVICE with its last words when one of them has ended by itself. */
  mustServe(): void {
    for (const [name, child] of this.#services) {
      if (!hasEnded(child)) continue;
      const words = readFileSync(this.logFile(name), 'utf8')
        .trim()
        .split('\n')
        .slice(-5)
        .join('\n');
      throw new LabError(
        'BENCH_SERVICE',
        `${name} of ${this.name} has ended`,
        words,
        'see its log',
      );
    }
  }

  /** SIGTERM, and returns when the program has ended. */
  async endService(name: string): Promise<void> {
    this.mustServe();
    const child = this.#services.get(name);
    if (child?.pid === undefined) return;
    // `nsenter` waits outside for the program, which is its one child.
    const inside = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'));
    const program = inside > 0 ? identify(inside) : null;
    if (program !== null) signalProcess(program, 'SIGTERM');
    await this.#serviceGone(name);
  }

  #enter(): readonly string[] {
    if (this.#boot === null) {
      throw new LabError('BENCH_NODE', this.name, 'it is off', 'power it on first');
    }
    const spaces = ['--mount', '--uts', '--ipc', '--net', '--pid'];
    return ['nsenter', '--target', String(this.#boot.init.pid), ...spaces, '--'];
  }

  async #serviceGone(name: string): Promise<void> {
    const child = this.#services.get(name);
    if (child === undefined) return;
    await waitUntil(`${name} of ${this.name} has ended`, () => hasEnded(child), {
      timeoutMs: serviceEndMs,
      everyMs: 5,
    });
    this.#services.delete(name);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}
