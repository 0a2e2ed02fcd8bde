import type { Disk } from './disk.ts';
import type { Https } from './https.ts';
import type { Log } from './log.ts';
import type { Network } from './network.ts';
import type { Reach } from './reach.ts';
import type { Processes } from './processes.ts';

/**
 * Three clocks, never mixed.
 * `monotonicMs` times everything a manager decides. `boottimeMs` counts suspend too and times an
 * agent's lease. `wallIso` is for people and decides nothing.
 */
export interface Clock {
  monotonicMs(): number;
  boottimeMs(): number;
  wallIso(): string;
}

export interface Timer {
  cancel(): void;
}

export interface Timers {
  /** Calls `action` once, no earlier than `delayMs` from now by the monotonic clock. */
  after(delayMs: number, action: () => void): Timer;
}

export interface Random {
  /** A number in [0, 1). Seeded in the simulator. */
  fraction(): number;
  /** A version 4 UUID. */
  uuid(): string;
}

/** The one door to the world. Everything outside `src/core` and `src/raft` gets it passed in. */
export interface Env {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly network: Network;
  readonly https: Https;
  readonly reach: Reach;
  readonly disk: Disk;
  readonly processes: Processes;
  readonly log: Log;
}
