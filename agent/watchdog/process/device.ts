import { closeSync, fstatSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import type { WatchdogAttestation } from '../../../src/core/model/node.ts';
import { descriptorsOn, groupOf, pids } from './proc.ts';

/**
 * Devices that reset the machine by a clock of their own, whatever its kernel does, by the name that the
 * driver gives itself. Everything else is weak, softdog first: its timer is one of the kernel's.
 */
const strongDevices: readonly RegExp[] = [
  /^i6300ESB timer$/,
  /^iTCO_wdt$/,
  /^wdat_wdt$/,
  /^HPE? iLO2\+ HW Watchdog Timer$/,
  /^SP5100 TCO timer$/,
];

export interface DevicePaths {
  /** The device file, as `/dev/watchdog0`. */
  readonly device: string;
  /** Where the kernel shows watchdogs; `/sys/class/watchdog`. */
  readonly sysfs: string;
  readonly proc: string;
}

/** The watchdog device of this machine. Every call is synchronous: no thread pool can hold it up. */
export class WatchdogDevice {
  readonly #paths: DevicePaths;
  readonly #sysfs: string;
  #fd: number | null;
  /** Who else keeps it open, as last seen. */
  #holder: number | null = null;

  /** `fd`: a copy that a holder passed on; null = it is opened, and so armed, at the first pet. */
  constructor(paths: DevicePaths, fd: number | null) {
    this.#paths = paths;
    this.#fd = fd;
    // `/dev/watchdog` is the old name of the first one.
    const name = basename(paths.device);
    this.#sysfs = `${paths.sysfs}/${name === 'watchdog' ? 'watchdog0' : name}`;
    if (fd === null) return;
    const [given, named] = [fstatSync(fd), statSync(paths.device)];
    if (given.rdev !== named.rdev) throw new Error(`descriptor ${fd} is not ${paths.device}`);
  }

  /** One write. The first one arms the device, if nobody else did. */
  pet(): void {
    this.#fd ??= openSync(this.#paths.device, 'w');
    writeSync(this.#fd, 'k');
  }

  /** With nowayout the kernel ignores this, and the close is one more pet. */
  disarm(): void {
    if (this.#fd === null) return;
    writeSync(this.#fd, 'V');
    closeSync(this.#fd);
    this.#fd = null;
  }

  /** What the kernel says now. Throws when it shows no such watchdog. */
  attest(measuredMs: number | null): WatchdogAttestation {
    const identity = this.#read('identity') ?? '';
    const timeout = this.#read('timeout');
    if (timeout === null) throw new Error(`${this.#sysfs} does not show a watchdog`);
    return {
      identity: identity.slice(0, 64),
      strength: strongDevices.some((one) => one.test(identity)) ? 'strong' : 'weak',
      timeoutMs: Number(timeout) * 1000,
      measuredMs,
      nowayout: this.#read('nowayout') === '1',
      pretimeoutMs: Number(this.#read('pretimeout') ?? 0) * 1000,
      held: this.#isHeld(),
    };
  }

  #read(attribute: string): string | null {
    try {
      return readFileSync(`${this.#sysfs}/${attribute}`, 'utf8').trim();
    } catch {
      return null;
    }
  }

  /**
   * Another process, which does not end with our control group, has the device open. `/proc` is searched
   * only when the one that was found before is gone.
   */
  #isHeld(): boolean {
    if (this.#holder !== null && this.#holds(this.#holder)) return true;
    const { proc } = this.#paths;
    this.#holder = pids(proc).find((pid) => this.#holds(pid)) ?? null;
    return this.#holder !== null;
  }

  #holds(pid: number): boolean {
    const { proc, device } = this.#paths;
    if (pid === process.pid) return false;
    if (descriptorsOn(proc, pid, device).length === 0) return false;
    return groupOf(proc, pid) !== groupOf(proc, 'self');
  }
}
