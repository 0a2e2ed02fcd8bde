import {
  defaultLevelBudgetMs,
  powerCommandMs,
  powerReadingMs,
} from '../src/core/timing/recovery-budget.ts';

/**
 * How long fence steps may take, in ms.
 *
 * `statusMs` and `commandMs` are the give-up times of ipmitool with the options that fit (measured:
 * one attempt of N s costs 2N s of session set-up) plus the 2 s after which it is killed.
 */
export const budgets = {
  /** One reading of power or identity. */
  statusMs: powerReadingMs,
  /** Longest reading granted to a device that answers, but slowly: 25 s for the answer itself. */
  slowStatusMs: 52_000,
  /** One power command from the first packet to the kill. */
  commandMs: powerCommandMs,
  /** A whole probe: up to six short calls. */
  probeMs: 15_000,
  /** All devices of a level read Off within this time, or the next level starts. */
  levelMs: defaultLevelBudgetMs,
  /** After an ambiguous `off`: time that the node must still read On before it is sent again. */
  resendAfterMs: 5000,
  /** Once every level had its turn: time until an `off` without effect is sent again; doubles. */
  patientResendMs: 30_000,
  maxPatientResendMs: 300_000,
  /** After an ambiguous command nobody can recall: time until it counts as over, come what may. */
  ambiguousHoldMs: 30_000,
  /** `on` must be read back within this time. */
  powerOnMs: 30_000,
  /** An identity read longer ago than this is read again before its device is believed. */
  identityMaxAgeMs: 60_000,
  /** Longest wait between passive readings once every level had its turn. */
  passivePollMs: 10_000,
} as const;
