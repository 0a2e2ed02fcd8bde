import type { Checker, Fact } from './history.ts';

const facts = ['explained'] as const;

/** Steps that take less than this are work and no wait, ms. */
const workMs = 15_000;

/** Every wait is explained (I5): what is awaited, what would end it, or at least the reason. */
export class WaitChecker implements Checker {
  readonly name = 'waits';
  readonly facts = facts;

  take(fact: Fact, atMs: number): readonly string[] {
    if (fact.kind !== 'explained') return [];
    const waitedMs = atMs - fact.sinceMs;
    const isExplained =
      fact.awaiting.length > 0 || fact.try.length > 0 || (fact.reason ?? '') !== '';
    if (isExplained || waitedMs < workMs) return [];
    const seconds = Math.round(waitedMs / 1000);
    return [`${fact.vm} should run, is ${fact.state} for ${seconds} s, and nothing says why`];
  }
}
