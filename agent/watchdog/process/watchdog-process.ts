import { existsSync } from 'node:fs';
import type { WatchdogAttestation } from '../../../src/core/model/node.ts';
import { Petter } from '../petter.ts';
import type { PetterToken } from '../petter-core.ts';
import { BiteTests, biteStepMs } from './bite-test.ts';
import { WatchdogDevice, type DevicePaths } from './device.ts';
import { readKept, writeKept } from './kept-file.ts';
import { readToken, type PetterAsk, type PetterReply, type PetterStatus } from './messages.ts';
import { NodeProcesses } from './node-processes.ts';

export interface WatchdogProcessOptions {
  readonly paths: DevicePaths;
  /** A copy of the open device that a holder passed on; null = there is no holder. */
  readonly fd: number | null;
  readonly bootId: string;
  /** W, ms: what the device's timeout has to be. */
  readonly timeoutMs: number;
  /** On a tmpfs: the last token, for a petter that starts anew in this boot. */
  readonly tokenFile: string;
  /** There while the holder pets, until a petter of this boot listens. */
  readonly startingFile: string;
  /** On a disk that outlives a reset. */
  readonly biteFile: string;
  /** The boot-time clock, the same as the agent's. */
  readonly nowMs: () => number;
  readonly kill: (pid: number) => void;
}

const holderPets = 'its holder still pets the device';

/** A petter of a real machine: the device, the processes to kill, what is kept, and who asks. */
export class WatchdogProcess {
  readonly #options: WatchdogProcessOptions;
  readonly #device: WatchdogDevice;
  readonly #processes: NodeProcesses;
  readonly #bites: BiteTests;
  readonly #petter: Petter;
  #agentStartedMs: number | null;

  constructor(options: WatchdogProcessOptions) {
    const { paths, fd, nowMs, kill, bootId, timeoutMs, tokenFile } = options;
    this.#options = options;
    this.#device = new WatchdogDevice(paths, fd);
    this.#processes = new NodeProcesses({ proc: paths.proc, nowMs, kill });
    this.#bites = new BiteTests(options.biteFile, bootId);
    const kept = readKept(tokenFile) as { token?: unknown; agentStartedMs?: unknown } | null;
    const started = kept?.agentStartedMs;
    this.#agentStartedMs = typeof started === 'number' ? started : null;
    this.#petter = new Petter({
      bootId,
      petMs: timeoutMs / 4,
      kept: readToken(kept?.token),
      ports: {
        nowMs,
        pet: () => this.#pet(),
        look: (token) => this.#processes.look(token, this.#agentStartedMs),
        keep: (token) => this.#keep(token),
        disarm: () => this.#device.disarm(),
        attest: () => this.#attest(),
      },
    });
  }

  /**
   * Why the device must not be armed; null = it may. Without a holder only: one that passes it on has
   * armed it already, and looked before.
   */
  refusal(): string | null {
    const { fd, timeoutMs } = this.#options;
    if (fd !== null) return null;
    const seen = this.#device.attest(null);
    if (seen.timeoutMs === timeoutMs) return null;
    return `the timeout of ${seen.identity} is ${seen.timeoutMs} ms, wanted is ${timeoutMs} ms`;
  }

  /** One turn. Returns when the next is due, ms. */
  tick(): number {
    const nextMs = this.#petter.tick();
    return this.#bites.isRunning ? Math.min(nextMs, biteStepMs) : nextMs;
  }

  answer(asked: PetterAsk): PetterReply {
    switch (asked.ask) {
      case 'attest':
        return { kind: 'attest', watchdog: this.#attest() };
      case 'token':
        return { kind: 'token', answer: this.#take(asked.token) };
      case 'drop':
        return { kind: 'drop', dropped: this.#petter.drop() };
      case 'status':
        return { kind: 'status', status: this.#status() };
      case 'bite':
        return { kind: 'did', because: this.#bite() };
      case 'stop':
        return { kind: 'did', because: this.stop() };
      default:
        return asked satisfies never;
    }
  }

  /** Null = the device is closed for good. Otherwise why it is petted on. */
  stop(): string | null {
    // Closing it would be the last pet: the machine would be reset although nothing is wrong.
    if (this.#attest().nowayout) return 'nowayout is on: the device cannot be stopped in this boot';
    return this.#petter.disarm() ? null : 'VMs rest on it';
  }

  /** A pet of the holder that came late would be one that no token allowed. */
  #isStarting(): boolean {
    return existsSync(this.#options.startingFile);
  }

  #pet(): void {
    const nowMs = this.#options.nowMs();
    if (this.#bites.isRunning && this.#bites.lives(nowMs)) return;
    this.#device.pet();
  }

  #take(token: PetterToken): ReturnType<Petter['take']> {
    if (this.#bites.isRunning) return { kind: 'refused', because: 'the watchdog is being tested' };
    if (this.#isStarting()) return { kind: 'refused', because: holderPets };
    this.#agentStartedMs = this.#processes.startOf(token.agentPid);
    return this.#petter.take(token);
  }

  #keep(token: PetterToken | null): void {
    const { tokenFile } = this.#options;
    writeKept(tokenFile, { token, agentStartedMs: token === null ? null : this.#agentStartedMs });
  }

  #attest(): WatchdogAttestation {
    const seen = this.#device.attest(null);
    return { ...seen, measuredMs: this.#bites.measuredMs(seen) };
  }

  /** Lets the device bite. Null = it has begun. */
  #bite(): string | null {
    const { bootId, timeoutMs } = this.#options;
    const seen = this.#attest();
    if (this.#bites.isRunning) return 'it is being tested already';
    if (this.#isStarting()) return holderPets;
    if (seen.timeoutMs !== timeoutMs) {
      return `its timeout is ${seen.timeoutMs} ms, wanted is ${timeoutMs} ms`;
    }
    const { token } = this.#petter;
    if (token !== null && token.vms.length > 0) return `${token.vms.length} VMs rest on it`;
    this.#device.pet();
    const lastPetMs = this.#options.nowMs();
    this.#bites.begin({ bootId, identity: seen.identity, timeoutMs, lastPetMs });
    return null;
  }

  #status(): PetterStatus {
    const { token, phase } = this.#petter;
    return {
      phase,
      isBiting: this.#bites.isRunning,
      device: this.#options.paths.device,
      watchdog: this.#attest(),
      incarnation: token?.incarnation ?? null,
      leftMs: token === null ? null : Math.round(token.deadlineMs - this.#options.nowMs()),
      vms: token?.vms.length ?? 0,
    };
  }
}
