import type { Env, Timer, Timers } from '../../src/env/env.ts';
import type { Disk } from '../../src/env/disk.ts';
import { noHttps } from '../../src/env/https.ts';
import type { Log } from '../../src/env/log.ts';
import type { PeerIdentity } from '../../src/env/network.ts';
import { noReach, type Reach } from '../../src/env/reach.ts';
import type { Processes } from '../../src/env/processes.ts';
import type { HostClock } from './clock.ts';
import type { SimNetwork } from './network.ts';
import type { RandomStream } from './random.ts';
import type { SimProcess } from './sim-process.ts';
import { tiedDisk, tiedProcesses, tiedReach } from './tied-ports.ts';
import type { EventLabel, VirtualTime, VirtualTimer } from './virtual-time.ts';

export interface HostEnvParts {
  readonly time: VirtualTime;
  readonly process: SimProcess;
  /** Name of the host in the simulated network. */
  readonly host: string;
  readonly identity: PeerIdentity;
  readonly clock: HostClock;
  readonly network: SimNetwork;
  readonly disk: Disk;
  readonly random: RandomStream;
  readonly log: Log;
  /** What `processes.run` reaches; see `SimPrograms`. */
  readonly programs: Processes;
  /** Guests that can be reached; default: none. */
  readonly reach?: Reach;
}

/**
 * The world as one simulated process sees it. Everything it starts ends with the process: after a
 * crash no timer fires, no message is delivered, no call returns.
 */
export function makeHostEnv(parts: HostEnvParts): Env {
  const { process } = parts;
  return {
    clock: parts.clock,
    timers: makeTimers(parts.time, parts.clock, process),
    random: parts.random,
    network: parts.network.port({ host: parts.host, identity: parts.identity, process }),
    https: noHttps,
    reach: parts.reach === undefined ? noReach : tiedReach(process, parts.reach),
    disk: tiedDisk(process, parts.disk),
    processes: tiedProcesses(process, parts.programs),
    log: tiedLog(process, parts.log),
  };
}

/**
 * Timers by a host's monotonic clock. They never fire early, also when the clock was slowed down or
 * stopped meanwhile: then they wait for the rest.
 */
export function makeTimers(time: VirtualTime, clock: HostClock, process: SimProcess): Timers {
  const host = { time, clock, process, label: time.label(`${process.name} timer`) };
  return { after: (delayMs, action) => new HostTimer(host, delayMs, action) };
}

interface TimerHost {
  readonly time: VirtualTime;
  readonly clock: HostClock;
  readonly process: SimProcess;
  readonly label: EventLabel;
}

class HostTimer implements Timer {
  readonly #host: TimerHost;
  readonly #dueMs: number;
  readonly #action: () => void;
  #cancelled = false;
  #scheduled: VirtualTimer;

  constructor(host: TimerHost, delayMs: number, action: () => void) {
    this.#host = host;
    this.#dueMs = host.clock.monotonicMs() + delayMs;
    this.#action = action;
    this.#scheduled = this.#arm(delayMs);
  }

  cancel(): void {
    this.#cancelled = true;
    this.#scheduled.cancel();
  }

  // One microsecond more than asked: rounding must not make `now` fall short of the due time.
  #arm(restMs: number): VirtualTimer {
    const { time, clock, label } = this.#host;
    return time.schedule(restMs / clock.rate + 0.001, this.#fire, label);
  }

  readonly #fire = (): void => this.#host.process.enterWith(HostTimer.#check, this);

  static #check(this: void, timer: HostTimer): void {
    if (timer.#cancelled) return;
    const restMs = timer.#dueMs - timer.#host.clock.monotonicMs();
    if (restMs > 0) timer.#scheduled = timer.#arm(restMs);
    else timer.#action();
  }
}

/** A dead process writes nothing, although its code may still be in the middle of a turn. */
function tiedLog(process: SimProcess, log: Log): Log {
  const guarded =
    (level: 'debug' | 'info' | 'warn' | 'error'): Log['info'] =>
    (fields, message) => {
      if (!process.dead) log[level](fields, message);
    };
  return {
    debug: guarded('debug'),
    info: guarded('info'),
    warn: guarded('warn'),
    error: guarded('error'),
    child: (fields) => tiedLog(process, log.child(fields)),
  };
}
