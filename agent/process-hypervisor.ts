import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { NodeId, VmId } from '../src/core/model/ids.ts';
import { vmId } from '../src/core/model/ids.ts';
import type { NodeCapacity } from '../src/core/model/node.ts';
import type { Permit } from '../src/core/model/permit.ts';
import { samePermit } from '../src/core/model/permit.ts';
import type { VmSpec } from '../src/core/model/vm.ts';
import type { ActionVerb } from '../src/core/model/vm-action.ts';
import type { Env } from '../src/env/env.ts';
import type {
  DomainUsage,
  Hypervisor,
  HypervisorDomain,
  HypervisorResult,
  MigrationRequest,
} from './hypervisor.ts';

/** What is kept of a VM, one file each. */
interface Kept {
  readonly name: string;
  readonly permit: Permit;
  readonly process: { readonly pid: number; readonly startedTicks: string };
  /** `booted` until it is told to end: when it has ended all the same, it crashed. */
  readonly reason: 'booted' | 'destroyed' | 'shutdown';
}

/** How often it is looked whether a killed process is gone, in ms… */
const lookMs = 10;
/** …and how many times. */
const mostLooks = 1000;

const done: HypervisorResult<void> = { kind: 'ok', value: undefined };
const failed = (code: string, message: string) => ({ kind: 'failed', code, message }) as const;

/** Field 22 of `/proc/<pid>/stat` tells two processes of one id apart; null when it has ended. */
function startedTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

/**
 * VMs that are nothing but a sleeping process, for measuring everything around them. Each start and
 * stop is a line `<epoch seconds> START|STOP <vm name> <node>` in the events file, written by the
 * process itself. They survive the agent, which finds them again by its files.
 */
export class ProcessHypervisor implements Hypervisor {
  readonly kind = 'process';
  readonly #env: Pick<Env, 'log' | 'timers'>;
  readonly #directory: string;
  readonly #eventsFile: string;
  readonly #node: NodeId;
  readonly #listeners: (() => void)[] = [];
  #open = false;

  constructor(options: {
    readonly env: Pick<Env, 'log' | 'timers'>;
    readonly directory: string;
    readonly eventsFile: string;
    readonly node: NodeId;
  }) {
    this.#env = options.env;
    this.#directory = options.directory;
    this.#eventsFile = options.eventsFile;
    this.#node = options.node;
  }

  open(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#open = true;
    this.#changed();
  }

  close(): Promise<void> {
    this.#open = false;
    return Promise.resolve();
  }

  connected(): boolean {
    return this.#open;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async list(): Promise<HypervisorResult<readonly HypervisorDomain[]>> {
    const names = readdirSync(this.#directory).filter((name) => name.endsWith('.json'));
    const domains = names.flatMap((file) => {
      const vm = vmId(file.slice(0, -'.json'.length));
      const kept = this.#read(vm);
      return kept === null ? [] : describe(vm, kept);
    });
    return { kind: 'ok', value: domains };
  }

  async capacity(): Promise<HypervisorResult<NodeCapacity & { readonly version: string }>> {
    const memoryMiB = Math.floor(totalmem() / 1024 ** 2);
    return {
      kind: 'ok',
      value: { memoryMiB, vcpus: availableParallelism(), version: 'process 1' },
    };
  }

  async usage(): Promise<HypervisorResult<readonly DomainUsage[]>> {
    return { kind: 'ok', value: [] };
  }

  async start(spec: VmSpec, permit: Permit): Promise<HypervisorResult<void>> {
    const kept = this.#read(permit.vm);
    if (kept !== null && lives(kept)) {
      if (samePermit(kept.permit, permit)) return done;
      return failed('activeWithOtherPermit', `${spec.name} is already active with another permit`);
    }
    const { pid } = this.#shell(`${event('START')} exec sleep 1000000`, spec.name);
    const ticks = pid === undefined ? null : startedTicks(pid);
    if (pid === undefined || ticks === null)
      return failed('notStarted', `${spec.name} did not start`);
    const own = { pid, startedTicks: ticks };
    this.#write({ name: spec.name, permit, process: own, reason: 'booted' });
    return done;
  }

  async shutdown(vm: VmId): Promise<HypervisorResult<void>> {
    const kept = this.#read(vm);
    if (kept === null || !lives(kept)) return failed('notActive', `${vm} is not active`);
    return this.#stop(kept, 'shutdown');
  }

  async destroy(vm: VmId): Promise<HypervisorResult<void>> {
    const kept = this.#read(vm);
    return kept === null || !lives(kept) ? done : this.#stop(kept, 'destroyed');
  }

  async undefine(vm: VmId): Promise<HypervisorResult<void>> {
    const kept = this.#read(vm);
    if (kept !== null && lives(kept)) return failed('domainActive', `${kept.name} is active`);
    rmSync(this.#file(vm), { force: true });
    this.#changed();
    return done;
  }

  async setPermit(permit: Permit): Promise<HypervisorResult<void>> {
    const kept = this.#read(permit.vm);
    if (kept === null) return failed('noDomain', `${permit.vm} is not defined here`);
    this.#write({ ...kept, permit });
    return done;
  }

  async expectCopy(vm: VmId): Promise<HypervisorResult<void>> {
    return failed('libvirtUnsupported', `${vm} is a process and cannot be migrated`);
  }

  async migrate({ vm }: MigrationRequest): Promise<HypervisorResult<void>> {
    return failed('libvirtUnsupported', `${vm} is a process and cannot be migrated`);
  }

  async abortMigration(): Promise<HypervisorResult<void>> {
    return done;
  }

  async migration(): Promise<HypervisorResult<null>> {
    return { kind: 'ok', value: null };
  }

  async resume(): Promise<HypervisorResult<void>> {
    return done;
  }

  /** Its guests are shells. */
  pingGuest(vm: VmId): Promise<HypervisorResult<void>> {
    return Promise.resolve({
      kind: 'failed',
      code: 'noAgent',
      message: `${vm} has no guest agent`,
    });
  }

  async act(vm: VmId, verb: ActionVerb): Promise<HypervisorResult<void>> {
    return failed('libvirtUnsupported', `${vm} is a process and knows no ${verb}`);
  }

  async snapshot(vm: VmId): Promise<HypervisorResult<void>> {
    return failed('libvirtUnsupported', `${vm} is a process and has no snapshots`);
  }

  async openStream(vm: VmId): Promise<HypervisorResult<never>> {
    return failed('libvirtUnsupported', `${vm} is a process without a console or a screen`);
  }

  async xml(vm: VmId): Promise<HypervisorResult<string>> {
    return failed('noDomain', `${vm} is a process and has no XML`);
  }

  async #stop(kept: Kept, reason: Kept['reason']): Promise<HypervisorResult<void>> {
    this.#write({ ...kept, reason });
    try {
      process.kill(-kept.process.pid, 'SIGKILL');
    } catch (err) {
      this.#env.log.warn({ err, vm: kept.permit.vm }, 'process ended before it was killed');
    }
    // A busy machine takes a while to carry out a kill: until it has, the VM is not off.
    for (let look = 0; lives(kept); look += 1) {
      if (look === mostLooks) return { kind: 'ambiguous', message: `${kept.name} lives on` };
      await new Promise<void>((resolve) => this.#env.timers.after(lookMs, resolve));
    }
    const writer = this.#shell(event('STOP'), kept.name, 5000);
    await new Promise((resolve) => writer.once('exit', resolve).once('error', resolve));
    this.#changed();
    return done;
  }

  /** Runs in a session of its own, so that the end of the agent does not end it. `timeout` in ms. */
  #shell(script: string, name: string, timeout?: number): ChildProcess {
    const words = ['-c', script, 'vm', name, this.#node, this.#eventsFile];
    const child = spawn('sh', words, { detached: true, stdio: 'ignore', timeout });
    child.on('error', (err) => this.#env.log.error({ err, name }, 'process not started'));
    child.unref();
    return child;
  }

  #file(vm: VmId): string {
    return join(this.#directory, `${encodeURIComponent(vm)}.json`);
  }

  #read(vm: VmId): Kept | null {
    try {
      return JSON.parse(readFileSync(this.#file(vm), 'utf8')) as Kept;
    } catch {
      return null;
    }
  }

  #write(kept: Kept): void {
    const file = this.#file(kept.permit.vm);
    writeFileSync(`${file}.new`, JSON.stringify(kept), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** One short write in append mode: lines of many VMs do not mix. */
const event = (what: string): string =>
  `printf '%s ${what} %s %s\\n' "$(date +%s.%6N)" "$1" "$2" >>"$3";`;

function lives({ process: own }: Kept): boolean {
  return startedTicks(own.pid) === own.startedTicks;
}

function describe(vm: VmId, kept: Kept): HypervisorDomain {
  const active = lives(kept);
  const reason = !active && kept.reason === 'booted' ? 'crashed' : kept.reason;
  const { name, permit } = kept;
  return {
    vm,
    name,
    active,
    state: active ? 'running' : 'shutOff',
    reason,
    permit,
    persistent: true,
  };
}
