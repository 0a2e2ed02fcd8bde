import type { PowerReading } from '../src/core/model/proof.ts';
import { budgets } from './budgets.ts';
import type { FenceCommandResult, FenceError } from './driver.ts';

/** What has become of an execution's `off` to one device. */
export type OffState =
  | { readonly kind: 'unsent' }
  | { readonly kind: 'inFlight' }
  | { readonly kind: 'accepted' }
  /** Certainly not executed. `retryAtMs` null: it would be refused again. */
  | { readonly kind: 'refused'; readonly times: number; readonly retryAtMs: number | null }
  | {
      readonly kind: 'ambiguous';
      readonly endedMs: number;
      readonly resent: boolean;
      /** The device has answered since, so it is done with what it was sent before. */
      readonly answered: boolean;
    };

const sessionLimitRetryMs = 35_000;
const maxRefusedRetryMs = 60_000;

/** Whether `off` may be sent in the device's own turn. */
export function offIsDue(
  off: OffState,
  power: PowerReading['power'] | null,
  nowMs: number,
): boolean {
  if (off.kind === 'unsent') return true;
  if (off.kind === 'refused') return off.retryAtMs !== null && nowMs >= off.retryAtMs;
  if (off.kind !== 'ambiguous' || off.resent) return false;
  return power === 'on' && nowMs - off.endedMs >= budgets.resendAfterMs;
}

/**
 * Whether `off` may be sent once more after every level had its turn: a BMC that took it in vain, or
 * refused it, may have been mended meanwhile (FAILURES B4). The waits double, so that it costs a
 * node that cannot be stopped one command in five minutes at most.
 */
export function patientOffIsDue(
  off: OffState,
  since: {
    readonly nowMs: number;
    /** Commands so far. */
    readonly offs: number;
    readonly lastEndedMs: number;
    readonly onSinceMs: number;
  },
): boolean {
  if (off.kind === 'unsent' || off.kind === 'inFlight') return false;
  const waitMs = Math.min(
    budgets.maxPatientResendMs,
    budgets.patientResendMs * 2 ** Math.max(0, since.offs - 1),
  );
  return (
    since.nowMs - since.lastEndedMs >= waitMs &&
    since.nowMs - since.onSinceMs >= budgets.resendAfterMs
  );
}

/** The state after a command ended. */
export function afterOff(result: FenceCommandResult, before: OffState, nowMs: number): OffState {
  if (result.kind === 'accepted') return { kind: 'accepted' };
  const earlier = before.kind === 'ambiguous' || before.kind === 'accepted';
  if (result.kind === 'unknown') {
    return { kind: 'ambiguous', endedMs: nowMs, resent: earlier, answered: false };
  }
  // The one before it is still the one that counts.
  if (before.kind === 'ambiguous') return { ...before, resent: true };
  if (before.kind === 'accepted') return before;
  const times = before.kind === 'refused' ? before.times + 1 : 1;
  return { kind: 'refused', times, retryAtMs: retryAtMs(result.error, times, nowMs) };
}

function retryAtMs(error: FenceError, times: number, nowMs: number): number | null {
  if (error.retry === 'no') return null;
  if (error.code === 'SESSION_LIMIT') return nowMs + sessionLimitRetryMs;
  return nowMs + Math.min(maxRefusedRetryMs, budgets.resendAfterMs * 2 ** (times - 1));
}
