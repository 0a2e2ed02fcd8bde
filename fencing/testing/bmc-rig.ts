import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes, randomInt } from 'node:crypto';
import { answers } from './rmcp-packets.ts';
import { waitUntil } from './wait-until.ts';

/** How a test BMC treats power requests. Every mode is taken up with the next request. */
export type RigMode =
  | 'ok'
  /** Accepts commands, does nothing, claims that they worked. */
  | 'lie'
  /** Accepts commands, does nothing, reports the truth. */
  | 'stuck'
  /** Executes commands and goes on reporting On. */
  | 'blind'
  /** Completion code 0xFF. */
  | 'fail'
  /** Completion codes 0xC0, 0xD4, 0xD5; pyghmi only. */
  | 'busy'
  | 'denied'
  | 'state'
  /** Takes this many seconds for each power request, one after the other. */
  | `slow ${number}`;

export interface RigUser {
  readonly name: string;
  readonly password: string;
}

/** Where a test BMC keeps its power, its mode and its log of power requests: plain files. */
export interface RigFiles {
  readonly directory: string;
  readonly address: string;
  readonly port: number;
}

/**
 * A test BMC: a process of its own on a loopback address of its own, with fresh state, that dies
 * with this process. The state is kept in files so that the BMC needs no second channel.
 */
export class BmcRig {
  readonly files: RigFiles;
  readonly user: RigUser;
  readonly #child: ChildProcess;
  #output = '';

  private constructor(files: RigFiles, user: RigUser, command: readonly string[]) {
    this.files = files;
    this.user = user;
    // Signal to the child when this process dies, whatever kills it.
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: files.directory,
    });
    const collect = (chunk: Buffer): void => {
      this.#output = `${this.#output}${chunk.toString()}`.slice(-4096);
    };
    this.#child.stdout?.on('data', collect);
    this.#child.stderr?.on('data', collect);
    this.#child.on('error', (error) => collect(Buffer.from(error.message)));
  }

  /** Starts the program and waits until it answers. */
  static async start(
    password: string,
    prepare: (files: RigFiles, user: RigUser) => readonly string[],
  ): Promise<BmcRig> {
    const directory = mkdtempSync(join(tmpdir(), 'kennel-bmc-'));
    const files = { directory, address: loopbackAddress(), port: 6230 };
    const user = { name: 'kennel', password };
    write(files, 'power', '1');
    write(files, 'claimed', '1');
    write(files, 'mode', 'ok');
    write(files, 'calls', '');
    const rig = new BmcRig(files, user, prepare(files, user));
    try {
      const ready = await answers(files, () => rig.#died(), 20_000);
      if (!ready) throw new Error(`the test BMC does not answer: ${rig.#output}`);
      return rig;
    } catch (error) {
      await rig.stop();
      throw error;
    }
  }

  get settings(): { readonly host: string; readonly port: number; readonly user: string } {
    return { host: this.files.address, port: this.files.port, user: this.user.name };
  }

  get mode(): string {
    return readFileSync(join(this.files.directory, 'mode'), 'utf8').trim();
  }

  set mode(mode: RigMode) {
    write(this.files, 'mode', mode);
  }

  /** The truth, whatever the BMC claims. */
  get power(): 'on' | 'off' {
    return readFileSync(join(this.files.directory, 'power'), 'utf8').trim() === '1' ? 'on' : 'off';
  }

  set power(power: 'on' | 'off') {
    for (const name of ['power', 'claimed']) write(this.files, name, power === 'on' ? '1' : '0');
  }

  /** Power commands that reached the BMC, refused ones included. */
  commands(): readonly ('off' | 'on')[] {
    const lines = readFileSync(join(this.files.directory, 'calls'), 'utf8').split('\n');
    return lines.flatMap((line) => {
      if (!line.startsWith('set power ')) return [];
      return line.endsWith('1') ? 'on' : 'off';
    });
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.kill();
    if (this.#child.pid !== undefined)
      await waitUntil(() => this.#died(), 5000, 'a test BMC to end');
    rmSync(this.files.directory, { recursive: true, force: true });
  }

  #died(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

export function write(files: RigFiles, name: string, text: string): void {
  mkdirSync(files.directory, { recursive: true });
  writeFileSync(join(files.directory, name), `${text}\n`);
}

/** A loopback address that no other test uses. */
export function loopbackAddress(): string {
  return `127.${randomInt(64, 250)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
}

/** A password that occurs nowhere else on the machine; ipmi_sim takes at most 15 bytes. */
export function uniquePassword(): string {
  return `pw${randomBytes(6).toString('hex')}`;
}

export function programExists(name: string): boolean {
  return ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((path) => existsSync(join(path, name)));
}
