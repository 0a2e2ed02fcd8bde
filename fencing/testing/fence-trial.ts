import type { FenceAttempt } from '../../src/core/model/fence-operation.ts';
import { fenceId, nodeId } from '../../src/core/model/ids.ts';
import type { FenceLevel } from '../../src/core/model/node.ts';
import type { PowerReading } from '../../src/core/model/proof.ts';
import type { Env } from '../../src/env/env.ts';
import type { FenceProblem } from '../device-execution.ts';
import { DeviceQueues } from '../device-queue.ts';
import { type FenceExecution, startFenceExecution } from '../operation.ts';
import { type FenceDrivers, driversOf } from '../registry.ts';
import { type FakeDevice, fakeDriver } from './fake-device.ts';
import { VirtualEnv } from './virtual-env.ts';

export interface TrialOptions {
  readonly env: Env;
  readonly drivers: FenceDrivers;
  readonly levels: readonly FenceLevel[];
  readonly queues?: DeviceQueues;
  readonly mayAct?: (devices: readonly string[]) => Promise<boolean>;
  /** Default: the first. */
  readonly fromLevel?: number;
  readonly told?: readonly string[];
  readonly secretsOf?: (device: string) => Promise<Readonly<Record<string, string>>>;
}

/** One fence execution with everything it said. */
export interface FenceTrial {
  readonly execution: FenceExecution;
  readonly readings: PowerReading[];
  readonly attempts: FenceAttempt[];
  readonly problems: (FenceProblem & { readonly atMs: number })[];
  /** When it asked to act. */
  readonly asks: number[];
  /** Levels in the order in which they were tried. */
  readonly entered: number[];
  readonly queues: DeviceQueues;
  codes(): readonly string[];
  powers(device: string): readonly string[];
  /** The latest unbroken run of Off readings. */
  offRun(device: string): readonly PowerReading[];
}

export function startTrial(options: TrialOptions): FenceTrial {
  const { env } = options;
  const readings: PowerReading[] = [];
  const attempts: FenceAttempt[] = [];
  const problems: (FenceProblem & { readonly atMs: number })[] = [];
  const asks: number[] = [];
  const entered: number[] = [];
  const queues = options.queues ?? new DeviceQueues(env);
  const execution = startFenceExecution({
    env,
    drivers: options.drivers,
    levels: options.levels.map((level, index) => ({ ...level, number: index + 1 })),
    fromLevel: options.fromLevel ?? 1,
    told: options.told ?? [],
    queues,
    node: nodeId('n1'),
    fenceId: fenceId('F-1'),
    secretsOf: options.secretsOf ?? (() => Promise.resolve({})),
    mayAct: (devices) => {
      asks.push(env.clock.monotonicMs());
      return options.mayAct?.(devices) ?? Promise.resolve(true);
    },
    onLevel: (level) => entered.push(level),
    onReading: (reading) => readings.push(reading),
    onAttempt: (attempt) => attempts.push(attempt),
    onError: (problem) => problems.push({ ...problem, atMs: env.clock.monotonicMs() }),
  });
  return {
    execution,
    readings,
    attempts,
    problems,
    asks,
    entered,
    queues,
    codes: () => problems.map(({ code }) => code),
    powers: (device) => readings.filter((each) => each.device === device).map(({ power }) => power),
    offRun: (device) => {
      const own = readings.filter((each) => each.device === device);
      const lastOther = own.findLastIndex(({ power }) => power !== 'off');
      return own.slice(lastOther + 1);
    },
  };
}

/** Starts an operation against levels of fake devices. */
export function fenceFakes(
  levels: readonly (readonly FakeDevice[])[],
  options: Partial<TrialOptions> & { readonly world?: VirtualEnv } = {},
): { readonly world: VirtualEnv; readonly trial: FenceTrial } {
  const world = options.world ?? new VirtualEnv();
  const trial = startTrial({
    env: world.env,
    drivers: driversOf([fakeDriver(levels.flat())]),
    levels: levels.map((devices) => ({ devices: devices.map(({ record }) => record) })),
    ...options,
  });
  return { world, trial };
}

/** A question that is open until it is answered. */
export function pendingAnswer(): {
  readonly pending: Promise<boolean>;
  readonly answer: (allowed: boolean) => void;
} {
  let resolveIt: ((allowed: boolean) => void) | null = null;
  const pending = new Promise<boolean>((resolve) => {
    resolveIt = resolve;
  });
  return { pending, answer: (allowed) => resolveIt?.(allowed) };
}
