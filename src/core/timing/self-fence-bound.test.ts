import { describe, expect, it } from 'vitest';
import { profiles } from '../model/settings.ts';
import { selfFenceBoundMs, timingProblems } from './self-fence-bound.ts';

describe('the self-fence bound', () => {
  it('is about 23 s with the default times and a held watchdog descriptor', () => {
    expect(selfFenceBoundMs(profiles.default, 2)).toBeCloseTo(23_190, 0);
  });

  it('grows by one watchdog round when closing the device counts as a pet', () => {
    expect(selfFenceBoundMs(profiles.default, 3)).toBeCloseTo(28_240, 0);
  });

  it('counts the watchdog more than once: W alone would be unsafe', () => {
    const { leaseTtlMs, graceMs, watchdogMs, marginMs } = profiles.default;
    expect(selfFenceBoundMs(profiles.default, 2)).toBeGreaterThan(
      leaseTtlMs + graceMs + watchdogMs + marginMs + watchdogMs,
    );
  });
});

describe('O8: timings below the safe bound', () => {
  it.each(Object.entries(profiles))('profile %s is sound', (_, timing) => {
    expect(timingProblems(timing)).toEqual([]);
  });

  it.each([
    [{ failAfterMs: 1000, heartbeatMs: 500 }, 'three heartbeats'],
    [{ leaseTtlMs: 1000 }, 'leaseTtlMs'],
    [{ clockRateBound: 0.5 }, 'clockRateBound'],
    [{ graceMs: 0 }, 'graceMs'],
    [{ marginMs: 0 }, 'marginMs'],
  ])('%o is refused by name', (change, word) => {
    expect(timingProblems({ ...profiles.default, ...change }).join()).toContain(word);
  });
});
