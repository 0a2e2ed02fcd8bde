import { expect, test } from 'vitest';
import { campaignDelayTicks, leadershipMs, usualTiming } from './timing.ts';

const { tickMs, electionTicks } = usualTiming;
const missedAfterMs = (fraction: number): number =>
  (electionTicks + campaignDelayTicks(fraction, electionTicks)) * tickMs;

test('M1: a leader that is gone is missed soon enough for another to write within 1.5 s', () => {
  expect(missedAfterMs(0.999)).toBeLessThanOrEqual(1400);
});

test('no follower campaigns while a lead that it knows of may still count', () => {
  expect(missedAfterMs(0)).toBeGreaterThan(leadershipMs(usualTiming) + 2 * tickMs);
});

test('followers campaign at different moments', () => {
  const delays = [0, 0.2, 0.4, 0.6, 0.8].map(missedAfterMs);
  expect(new Set(delays).size).toBe(delays.length);
});
