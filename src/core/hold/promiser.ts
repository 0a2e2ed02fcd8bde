import type { HoldTimes } from './times.ts';

/** What an agent has promised, and what keeps it from promising. Times are its boot-time clock, ms. */
export interface PromiserState {
  /** An earlier start of this agent may have had a lease: no promise before this, and V more. */
  readonly startedMs: number;
  /** The same where what it kept on disk cannot be read; else `startedMs`. */
  readonly silentUntilMs: number;
  /** Sending of the latest heartbeat that was answered with a lease, taken or not; null = none. */
  readonly offeredMs: number | null;
  /** Its latest lease was taken, and not given up since by a promise. */
  readonly holdsLease: boolean;
  /** End of its promises: no lease is taken before. */
  readonly promisedUntilMs: number;
}

/** What the start before left on disk; `damaged` = it cannot be read. */
export type KeptPromise =
  | { readonly kind: 'none' }
  | { readonly kind: 'damaged' }
  | {
      readonly kind: 'kept';
      readonly promising: boolean;
      readonly bindMs: number;
      readonly keepMs: number;
    };

/** Longer than V and K of any lease in use, ms. */
const damagedMs = 30_000;

export function openPromiser(kept: KeptPromise, nowMs: number): PromiserState {
  const open = { startedMs: nowMs, offeredMs: null, holdsLease: false };
  switch (kept.kind) {
    case 'none':
      return { ...open, silentUntilMs: nowMs, promisedUntilMs: nowMs };
    case 'damaged':
      return { ...open, silentUntilMs: nowMs + damagedMs, promisedUntilMs: nowMs + damagedMs };
    case 'kept':
      return {
        ...open,
        silentUntilMs: nowMs + kept.bindMs,
        promisedUntilMs: nowMs + (kept.promising ? kept.keepMs : 0),
      };
    default:
      return kept satisfies never;
  }
}

/** Until when no promise is made, whatever is asked. */
export function boundUntilMs(state: PromiserState, times: Pick<HoldTimes, 'bindMs'>): number {
  const latestMs = Math.max(state.startedMs, state.offeredMs ?? state.startedMs);
  return Math.max(state.silentUntilMs, latestMs + times.bindMs);
}

/**
 * The state with a promise to whoever asked, or null = none is made. The promise ends the lease that
 * it may have had: who promises holds none.
 */
export function promised(
  state: PromiserState,
  times: HoldTimes,
  nowMs: number,
): PromiserState | null {
  if (nowMs < boundUntilMs(state, times)) return null;
  const promisedUntilMs = Math.max(state.promisedUntilMs, nowMs + times.keepMs);
  return { ...state, holdsLease: false, promisedUntilMs };
}

/** A leader grants a lease for a heartbeat sent at `sentAtMs`. It is taken if no promise runs. */
export function offered(
  state: PromiserState,
  sentAtMs: number,
  nowMs: number,
): { readonly taken: boolean; readonly state: PromiserState } {
  const offeredMs = Math.max(sentAtMs, state.offeredMs ?? sentAtMs);
  const taken = nowMs >= state.promisedUntilMs;
  return { taken, state: { ...state, offeredMs, holdsLease: taken || state.holdsLease } };
}

/** For how long from now it holds a lease and makes no promise: what its heartbeat says. 0 = neither. */
export function boundMs(state: PromiserState, times: HoldTimes, nowMs: number): number {
  // A lease is taken only after the last promise, and the next promise ends it.
  if (!state.holdsLease || state.offeredMs === null) return 0;
  return Math.max(0, state.offeredMs + times.bindMs - nowMs);
}
