import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { realClock } from './clock.ts';
import { realRandom } from './random.ts';
import { realTimers } from './timers.ts';

test.skipIf(process.platform !== 'linux')(
  'the boot-time clock agrees with the one the kernel shows',
  () => {
    const clock = realClock();
    const shownMs = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
    const beforeMs = shownMs();
    const measuredMs = clock.boottimeMs();
    expect(measuredMs).toBeGreaterThanOrEqual(beforeMs);
    expect(measuredMs).toBeLessThanOrEqual(shownMs() + 10);
  },
);

test('the monotonic clock moves forward, the wall clock is ISO in UTC', () => {
  const clock = realClock();
  const first = clock.monotonicMs();
  expect(clock.monotonicMs()).toBeGreaterThanOrEqual(first);
  expect(clock.wallIso()).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('a timer is never early, even when the runtime fires before its time', async () => {
  const realSetTimeout = globalThis.setTimeout;
  const hasty = (action: () => void, delayMs?: number): NodeJS.Timeout =>
    realSetTimeout(action, (delayMs ?? 0) / 3);
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(hasty);
  const timers = realTimers();
  const lateness: number[] = [];
  for (const delayMs of [0, 1, 9, 17.5]) {
    const startMs = performance.now();
    timers.after(delayMs, () => lateness.push(performance.now() - startMs - delayMs));
  }
  await vi.waitFor(() => expect(lateness).toHaveLength(4), { interval: 2, timeout: 8000 });
  vi.restoreAllMocks();
  expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
});

test('a cancelled timer stays silent, and one beyond 24 days does not fire at once', async () => {
  const timers = realTimers();
  const fired: string[] = [];
  const cancelled = timers.after(1, () => fired.push('cancelled'));
  const far = timers.after(2 ** 32, () => fired.push('far'));
  const endless = timers.after(Number.POSITIVE_INFINITY, () => fired.push('endless'));
  cancelled.cancel();
  timers.after(4, () => fired.push('end'));
  await vi.waitFor(() => expect(fired.length).toBeGreaterThan(0), { interval: 2, timeout: 8000 });
  expect(fired).toEqual(['end']);
  far.cancel();
  endless.cancel();
  expect(() => timers.after(Number.NaN, () => undefined)).toThrow('delay');
});

test('fractions lie in [0, 1) and differ, identifiers are version 4 UUIDs', () => {
  const random = realRandom();
  const fractions = Array.from({ length: 1000 }, () => random.fraction());
  expect(fractions.every((value) => value >= 0 && value < 1)).toBe(true);
  expect(new Set(fractions).size).toBe(1000);
  expect(Math.max(...fractions)).toBeGreaterThan(0.9);
  expect(Math.min(...fractions)).toBeLessThan(0.1);
  expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
});
