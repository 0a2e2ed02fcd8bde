import type { FenceAttempt } from '../src/core/model/fence-operation.ts';
import type { FenceId, NodeId } from '../src/core/model/ids.ts';
import type { FenceLevel } from '../src/core/model/node.ts';
import type { PowerReading } from '../src/core/model/proof.ts';
import type { NumberedLevel } from '../src/core/plan.ts';
import type { Timer } from '../src/env/env.ts';
import { budgets } from './budgets.ts';
import { DeviceAccess, type DeviceAccessOptions } from './device-access.ts';
import { DeviceExecution, type FenceProblem } from './device-execution.ts';

export interface FenceExecutionOptions extends DeviceAccessOptions {
  readonly node: NodeId;
  readonly fenceId: FenceId;
  /** The node's topology as recorded; tried in this order. */
  readonly levels: readonly NumberedLevel[];
  /** The level to begin with; those before it were given up and are only read. */
  readonly fromLevel: number;
  /** Devices that may have been told to go off already, by an execution that ended. */
  readonly told: readonly string[];
  /**
   * Asked before power commands are sent, never twice at once, while devices of the present level
   * are seen not to be off. True: it is committed that these may be told, and no guard objects, so
   * send now. False: not now; readings go on and it is asked again. May take its time.
   */
  readonly mayAct: (devices: readonly string[]) => Promise<boolean>;
  /** A level begins to be tried, counted from 1. */
  readonly onLevel: (level: number) => void;
  /** Every reading, at its completion; `unknown` when the device gave none. */
  readonly onReading: (reading: PowerReading) => void;
  /** Every power command that was sent, or that the device refused. Levels count from 1. */
  readonly onAttempt: (attempt: FenceAttempt) => void;
  /** A difficulty, told when it begins or changes. */
  readonly onError: (problem: FenceProblem) => void;
  /** Time between two readings of a device that does not read Off. */
  readonly pollMs?: number;
}

export interface FenceExecution {
  /** Sends nothing more; resolves when no reading and no command is under way. */
  stop(): Promise<void>;
  /** A power command may still be in flight: no proof may be drawn and no `on` be sent. */
  outstanding(): boolean;
  /** A device is seen not to be off and `mayAct` has not allowed it to be told. */
  wantsToAct(): boolean;
}

const defaultPollMs = 1000;
/** Denials after which the question is asked less often. */
const patientAsks = 30;

/**
 * Executes one fence operation against a node's topology, and decides nothing about safety: it
 * delivers readings, sends `off` when allowed, and runs until it is stopped. Whether the readings
 * amount to a proof is for others to say.
 *
 * It reads before it acts. A device that reads Off is never told to go off, so an execution that
 * resumes another manager's operation repeats no command that worked.
 */
export function startFenceExecution(options: FenceExecutionOptions): FenceExecution {
  const execution = new Execution(options);
  execution.start();
  return execution;
}

class Execution implements FenceExecution {
  readonly #options: FenceExecutionOptions;
  readonly #abort = new AbortController();
  readonly #devices = new Map<string, DeviceExecution>();
  readonly #running: Promise<void>[] = [];
  /** Index of the level that is tried. */
  #level = 0;
  #levelEndMs = 0;
  /** Before this its devices are only read. */
  #levelActsMs = 0;
  #levelTimer: Timer | null = null;
  #exhausted = false;
  #asking = false;
  /** Since when a device wants to act and has not been allowed to. */
  #blockedSinceMs: number | null = null;
  #denials = 0;
  #nextAskMs = 0;

  constructor(options: FenceExecutionOptions) {
    this.#options = options;
  }

  start(): void {
    const { levels, fromLevel } = this.#options;
    if (levels.length === 0) return;
    const first = Math.max(
      0,
      levels.findIndex(({ number }) => number >= fromLevel),
    );
    // What was told by a level before may still take effect, and its Off is a proof as well.
    for (const level of levels.slice(0, first)) this.#readDevices(level);
    this.#enterLevel(first);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#levelTimer?.cancel();
    await Promise.all(this.#running);
  }

  outstanding(): boolean {
    return [...this.#devices.values()].some((device) => device.outstanding);
  }

  wantsToAct(): boolean {
    return !this.#abort.signal.aborted && this.#candidates().some((each) => each.needsPermission);
  }

  get #pollMs(): number {
    return this.#options.pollMs ?? defaultPollMs;
  }

  #now(): number {
    return this.#options.env.clock.monotonicMs();
  }

  #enterLevel(index: number): void {
    const level = this.#options.levels[index];
    if (level === undefined) return;
    this.#level = index;
    this.#blockedSinceMs = this.#asking ? this.#now() : null;
    this.#levelActsMs = this.#now() + (level.delayMs ?? 0);
    this.#levelEndMs = this.#levelActsMs + (level.budgetMs ?? budgets.levelMs);
    this.#options.onLevel(level.number);
    this.#readDevices(level);
    if (level.devices.length === 0) return this.#leaveLevel();
    this.#armLevelTimer();
  }

  #readDevices({ devices }: FenceLevel): void {
    for (const device of devices) {
      if (this.#devices.has(device.id)) continue;
      const { env, told, onReading, onAttempt, onError } = this.#options;
      const execution = new DeviceExecution({
        env,
        access: new DeviceAccess(device, this.#options),
        signal: this.#abort.signal,
        pollMs: this.#pollMs,
        wasTold: told.includes(device.id),
        onReading,
        onAttempt,
        onError,
        onStep: () => this.#onStep(),
      });
      this.#devices.set(device.id, execution);
      this.#running.push(execution.run());
    }
  }

  #onStep(): void {
    const level = this.#levelDevices();
    if (!this.#exhausted && level.every((device) => device.attempted)) {
      const lost = level.some((device) => device.hopeless && !device.readsOff);
      if (lost) this.#leaveLevel();
    }
    this.#considerAsking();
  }

  #levelDevices(): readonly DeviceExecution[] {
    const devices = this.#options.levels[this.#level]?.devices ?? [];
    return devices.flatMap((device) => this.#devices.get(device.id) ?? []);
  }

  /** Devices that `off` may be sent to: the level's, and all of them once every level had its turn. */
  #candidates(): readonly DeviceExecution[] {
    const reach = this.#exhausted ? [...this.#devices.values()] : this.#levelDevices();
    // All of a level are read before any of them is commanded.
    if (!reach.every((device) => device.attempted)) return [];
    if (this.#now() < this.#levelActsMs) return [];
    return reach.filter((device) => device.wantsOff);
  }

  #considerAsking(): void {
    if (this.#asking) return;
    if (!this.#candidates().some((device) => device.needsPermission)) this.#unblock();
    else if (this.#now() >= this.#nextAskMs) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    this.#blockedSinceMs ??= this.#now();
    const asked = this.#candidates().map(({ id }) => id);
    const allowed = await this.#mayAct(asked);
    this.#asking = false;
    if (this.#abort.signal.aborted) return;
    if (!allowed) {
      this.#denials += 1;
      const factor = this.#denials > patientAsks ? 5 : 1;
      this.#nextAskMs = this.#now() + this.#pollMs * factor;
      return;
    }
    this.#denials = 0;
    this.#unblock();
    for (const device of this.#candidates()) {
      // What came to want it meanwhile is not committed yet, and is asked for next.
      if (asked.includes(device.id)) device.grant(this.#levelOf(device.id));
    }
  }

  /** Time in which nothing may be sent is not the level's. */
  #unblock(): void {
    if (this.#blockedSinceMs === null) return;
    this.#levelEndMs += this.#now() - this.#blockedSinceMs;
    this.#blockedSinceMs = null;
  }

  /** Counted from 1: the present level, or a device's first one once every level had its turn. */
  #levelOf(id: string): number {
    const { levels } = this.#options;
    const has = (level: FenceLevel): boolean => level.devices.some((device) => device.id === id);
    const level = this.#exhausted ? levels.find(has) : levels[this.#level];
    return level?.number ?? 0;
  }

  async #mayAct(devices: readonly string[]): Promise<boolean> {
    try {
      return await this.#options.mayAct(devices);
    } catch (error) {
      const { env, node, fenceId } = this.#options;
      env.log.error({ node, fence: fenceId, err: error }, 'asking whether fencing may act failed');
      return false;
    }
  }

  #armLevelTimer(): void {
    const waitMs = Math.max(this.#pollMs, this.#levelEndMs - this.#now());
    this.#levelTimer = this.#options.env.timers.after(waitMs, () => this.#onLevelTimer());
  }

  #onLevelTimer(): void {
    const mustWait = this.#blockedSinceMs !== null || this.#now() < this.#levelEndMs;
    if (mustWait || this.#levelDevices().every((device) => device.readsOff)) this.#armLevelTimer();
    else this.#leaveLevel();
  }

  #leaveLevel(): void {
    this.#levelTimer?.cancel();
    for (const device of this.#levelDevices()) {
      if (!device.disobeys) continue;
      const detail = 'was told to power off and does not read Off';
      this.#options.onError({ device: device.id, code: 'NOT_VERIFIED', detail });
    }
    if (this.#level + 1 < this.#options.levels.length) {
      this.#enterLevel(this.#level + 1);
      return;
    }
    this.#exhausted = true;
    for (const device of this.#devices.values()) device.becomePassive();
  }
}
