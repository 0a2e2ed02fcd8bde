import { Petter } from '../../agent/watchdog/petter.ts';
import type { PetterPorts, TokenAnswer } from '../../agent/watchdog/petter.ts';
import type { PetterToken, Sighting } from '../../agent/watchdog/petter-core.ts';
import type { PetterLink } from '../../agent/watchdog/self-fencing.ts';
import type { VmId } from '../../src/core/model/ids.ts';
import type { WatchdogAttestation } from '../../src/core/model/node.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { HostClock } from './clock.ts';
import type { SimMachine } from './host.ts';
import type { SimHost } from './sim-host.ts';
import type { SimProcess } from './sim-process.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { SimWatchdog } from './watchdog-device.ts';

/** systemd's pause before it starts a dead petter, or libvirt's daemon, again; ms. */
const restartMs = 500;
/** A local socket's way, ms. */
const socketMs = 0.2;

interface PetterParts {
  readonly time: VirtualTime;
  readonly machine: SimMachine;
  readonly clock: HostClock;
  readonly host: SimHost;
  readonly device: SimWatchdog;
  /** Told whenever a look has found nothing left; `left`: by what permits of that agent something is. */
  readonly onContained?: (incarnation: string, left: readonly Permit[]) => void;
  /** A deadline was taken; `alive`: VMs of the token before whose processes are there. */
  readonly onTook?: (took: {
    readonly nowMs: number;
    readonly deadlineMs: number;
    readonly before: { readonly deadlineMs: number } | null;
    readonly alive: readonly string[];
  }) => void;
}

/**
 * The petter of a simulated node: the production loop in a process of its own. Its tmpfs keeps the last
 * token through crashes of it, and forgets it with the boot.
 */
export class PetterService {
  readonly #parts: PetterParts;
  #kept: PetterToken | null = null;
  #petter: Petter | null = null;
  #process: SimProcess | null = null;
  /** The run of the daemon that a token's end has to kill. */
  #daemon: { readonly token: PetterToken; readonly run: number } | null = null;

  constructor(parts: PetterParts) {
    this.#parts = parts;
    const { machine, device } = parts;
    machine.onPowerLoss(() => {
      this.#kept = null;
      this.#daemon = null;
    });
    machine.addService({
      name: 'watchdog',
      restartAfterMs: restartMs,
      start: (process, boot) => {
        process.onDeath((cause) => {
          this.#petter = null;
          this.#process = null;
          if (cause === 'crash') device.closed();
        });
        this.#start(process, boot);
      },
    });
  }

  /** The petter's process; null while it is down. For pauses and crashes. */
  get process(): SimProcess | null {
    return this.#process;
  }

  get petter(): Petter | null {
    return this.#petter;
  }

  /** A person stops the service in good order. False = it refused. */
  askToDisarm(): boolean {
    return this.#petter?.disarm() ?? false;
  }

  /** The way to it from one process of the agent. */
  link(agent: SimProcess): PetterLink {
    return {
      attest: () => this.#ask(agent, (petter): WatchdogAttestation => petter.attest()),
      send: (token) => this.#ask(agent, (petter) => this.#take(petter, token)),
      drop: () => this.#ask(agent, (petter) => petter.drop()),
    };
  }

  /** The number by which a token names an agent's process: that of its start. */
  static pidOf(agent: SimProcess): number {
    return Number(agent.name.slice(agent.name.lastIndexOf('#') + 1));
  }

  #take(petter: Petter, token: PetterToken): TokenAnswer {
    const { clock, host, onTook } = this.#parts;
    const before = petter.token;
    const alive = (before?.vms ?? []).filter((vm) => host.find(vm as VmId)?.live !== undefined);
    const answer = petter.take(token);
    const { deadlineMs } = token;
    if (answer.kind === 'taken') onTook?.({ nowMs: clock.boottimeMs(), deadlineMs, before, alive });
    return answer;
  }

  #start(process: SimProcess, bootId: string): void {
    const { time, device } = this.#parts;
    const petter = new Petter({
      ports: this.#ports(process),
      bootId,
      petMs: device.traits.timeoutMs / 4,
      kept: this.#kept,
    });
    this.#petter = petter;
    this.#process = process;
    const label = time.label(`${process.name} tick`);
    const run = (): void => {
      const nextMs = petter.tick();
      time.schedule(nextMs, () => process.enter(run), label);
    };
    run();
  }

  #ports(process: SimProcess): PetterPorts {
    const { clock, device } = this.#parts;
    return {
      nowMs: () => clock.boottimeMs(),
      pet: () => process.effect(() => device.pet()),
      // Stopped in the write before: it does nothing more until it goes on.
      look: (token) =>
        process.paused ? { begunMs: clock.boottimeMs(), alive: 1 } : this.#look(token),
      keep: (token) => {
        this.#kept = token;
      },
      disarm: () => process.effect(() => device.disarm()),
      attest: () => device.attest(),
    };
  }

  #look(token: PetterToken): Sighting {
    const { clock, host } = this.#parts;
    const begunMs = clock.boottimeMs();
    const alive =
      token.vms.filter((vm) => !host.killProcess(vm as VmId)).length +
      (this.#killAgent(token) ? 0 : 1) +
      (this.#killDaemon(token) ? 0 : 1);
    if (alive === 0) this.#parts.onContained?.(token.incarnation, this.#left(token));
    return { begunMs, alive };
  }

  #left({ incarnation }: PetterToken): readonly Permit[] {
    return this.#parts.host.domains().flatMap(({ live, transit }) => {
      const permit = (live ?? transit)?.permit ?? null;
      return permit?.incarnation === incarnation ? [permit] : [];
    });
  }

  /** True when the token's agent is gone. */
  #killAgent(token: PetterToken): boolean {
    const { machine } = this.#parts;
    const agent = machine.serviceProcess('agent');
    if (agent === null || PetterService.pidOf(agent) !== token.agentPid) return true;
    machine.crash('agent');
    return false;
  }

  /** True when the daemon that may still have had a start in hand is gone. */
  #killDaemon(token: PetterToken): boolean {
    const { host, time } = this.#parts;
    if (this.#daemon?.token !== token) this.#daemon = { token, run: host.daemonRun };
    if (host.daemonRun !== this.#daemon.run) return true;
    host.killDaemon();
    time.schedule(
      restartMs,
      () => host.startDaemon(),
      time.label(`${this.#parts.machine.name} daemon`),
    );
    return false;
  }

  async #ask<T>(agent: SimProcess, question: (petter: Petter) => T): Promise<T> {
    const { time } = this.#parts;
    return agent.call(
      () =>
        new Promise<T>((resolve, reject) => {
          const process = this.#process;
          const label = time.label(`${this.#parts.machine.name} watchdog socket`);
          time.schedule(
            socketMs,
            () => {
              if (process === null || process.dead) {
                reject(new Error('the petter does not answer'));
                return;
              }
              process.enter(() => {
                if (this.#petter === null) reject(new Error('the petter does not answer'));
                else resolve(question(this.#petter));
              });
            },
            label,
          );
        }),
    );
  }
}
