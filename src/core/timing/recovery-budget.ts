import type { FenceLevel, WatchdogAttestation } from '../model/node.ts';
import type { TimingSettings } from '../model/settings.ts';
import { boundingWatchdogMs } from '../proof/attestation.ts';
import { selfFenceBoundMs } from './self-fence-bound.ts';

/** Time for a level whose configuration names none, in ms. */
export const defaultLevelBudgetMs = 45_000;
/** One power command from its first packet to the end of its client, in ms. */
export const powerCommandMs = 16_000;
/** One reading of a device that answers in time, in ms. */
export const powerReadingMs = 6000;
/** From the proof to a VM that runs: commit, placement, the agent's start. Not part of any proof, in ms. */
export const startAllowanceMs = 10_000;

/** One level of a node's topology, in time. All in ms. */
export interface LevelBudget {
  /** Counted from 1. */
  readonly level: number;
  readonly devices: readonly string[];
  readonly delayMs: number;
  readonly budgetMs: number;
  /** The longest settle time of its devices. */
  readonly settleMs: number;
}

/**
 * How long the VMs of a node that is lost may take to run elsewhere. `worstMs` is for a node whose
 * last level is the one that proves it, at the very end of its budget; `usualMs` for a first level
 * that does at once what it is told. `selfFenceMs` is for one that fences itself, whatever its devices do,
 * and counts from its last lease. Null = there is no such way. All in ms.
 */
export interface RecoveryBudget {
  readonly detectMs: number;
  readonly levels: readonly LevelBudget[];
  readonly startMs: number;
  readonly usualMs: number | null;
  readonly worstMs: number | null;
  readonly selfFenceMs: number | null;
}

export function recoveryBudget(
  topology: readonly FenceLevel[],
  timing: TimingSettings,
  watchdog: WatchdogAttestation | null = null,
): RecoveryBudget {
  const selfFenceMs = watchdog === null ? null : selfFenceMsOf(watchdog, timing);
  const levels = topology.map((level, index): LevelBudget => ({
    level: index + 1,
    devices: level.devices.map(({ id }) => id),
    delayMs: level.delayMs ?? 0,
    budgetMs: level.budgetMs ?? defaultLevelBudgetMs,
    settleMs: Math.max(0, ...level.devices.map(({ settleMs }) => settleMs)),
  }));
  // The first heartbeat that is missed was due one interval after the last that came.
  const detectMs = timing.failAfterMs + timing.heartbeatMs;
  const [first] = levels;
  const last = levels[levels.length - 1];
  if (first === undefined || last === undefined) {
    return {
      detectMs,
      levels,
      startMs: startAllowanceMs,
      usualMs: selfFenceMs,
      worstMs: selfFenceMs,
      selfFenceMs,
    };
  }
  const pace = selfFenceMs ?? Number.POSITIVE_INFINITY;
  const triedMs = levels.reduce((sum, { delayMs, budgetMs }) => sum + delayMs + budgetMs, 0);
  return {
    detectMs,
    levels,
    startMs: startAllowanceMs,
    usualMs: Math.min(pace, detectMs + first.delayMs + first.settleMs + startAllowanceMs),
    // A level that reads Off when its budget ends is waited for until it has settled.
    worstMs: Math.min(pace, detectMs + triedMs + last.settleMs + startAllowanceMs),
    selfFenceMs,
  };
}

/** The bound runs from the last lease, beside detection and devices. */
function selfFenceMsOf(watchdog: WatchdogAttestation, timing: TimingSettings): number {
  const watchdogMs = boundingWatchdogMs(watchdog, timing);
  const boundMs = selfFenceBoundMs({ ...timing, watchdogMs }, watchdog.held ? 2 : 3);
  return Math.ceil(boundMs) + startAllowanceMs;
}

/** The least that a level needs to be told, to be seen Off and to settle, in ms. */
export function leastLevelBudgetMs(level: FenceLevel): number {
  const settleMs = Math.max(0, ...level.devices.map((device) => device.settleMs));
  return 2 * powerReadingMs + powerCommandMs + settleMs;
}

/** Why the times of a level can never lead to a proof; null = they can (FAILURES O8). */
export function levelProblem(level: FenceLevel): string | null {
  const budgetMs = level.budgetMs ?? defaultLevelBudgetMs;
  const leastMs = leastLevelBudgetMs(level);
  if (budgetMs >= leastMs) return null;
  return `its budget of ${budgetMs} ms is shorter than the ${leastMs} ms that a slow device needs to be told, to be read and to settle`;
}
