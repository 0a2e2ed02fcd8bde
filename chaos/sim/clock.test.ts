import { expect, test } from 'vitest';
import { HostClock } from './clock.ts';
import { VirtualTime } from './virtual-time.ts';

test('a fast clock counts more than the world, from its boot on', async () => {
  const time = new VirtualTime();
  await time.run(5000);
  const clock = new HostClock(time, { rate: 1.01 });
  clock.boot(2000);
  await time.runFor(10_000);
  expect(clock.monotonicMs()).toBeCloseTo(12_100, 6);
  expect(clock.boottimeMs()).toBeCloseTo(12_100, 6);
});

test('a change of rate does not touch the past', async () => {
  const time = new VirtualTime();
  const clock = new HostClock(time);
  await time.runFor(1000);
  clock.setRate(0.5);
  expect(clock.monotonicMs()).toBe(1000);
  await time.runFor(1000);
  expect(clock.monotonicMs()).toBe(1500);
});

test('C1: a step of the wall clock leaves the other clocks alone', async () => {
  const time = new VirtualTime();
  const clock = new HostClock(time);
  await time.runFor(1000);
  const before = clock.monotonicMs();
  clock.stepWall(-3_600_000);
  expect(clock.monotonicMs()).toBe(before);
  expect(clock.boottimeMs()).toBe(before);
  expect(clock.wallIso()).toBe('2025-12-31T23:00:01.000Z');
});

test('the wall clock reads as a date does, at any instant', async () => {
  const time = new VirtualTime();
  const clock = new HostClock(time);
  const startMs = Date.parse(clock.wallIso());
  for (const stepMs of [0, 0.4, 0.7, 998.9, 1, 59_999, 86_400_000, -1, -86_400_000.5]) {
    clock.stepWall(stepMs);
    await time.runFor(0.25);
    const offsetMs = Date.parse(clock.wallIso()) - startMs;
    expect(clock.wallIso()).toBe(new Date(startMs + offsetMs).toISOString());
  }
});

test('C4: suspend stops monotonic time, boot time counts on', async () => {
  const time = new VirtualTime();
  const clock = new HostClock(time);
  await time.runFor(1000);
  clock.stop('monotonic');
  await time.runFor(5000);
  expect([clock.monotonicMs(), clock.boottimeMs()]).toEqual([1000, 6000]);
  clock.go();
  await time.runFor(1000);
  expect([clock.monotonicMs(), clock.boottimeMs()]).toEqual([2000, 7000]);
});

test('N27: a paused nested node counts on neither clock', async () => {
  const time = new VirtualTime();
  const clock = new HostClock(time);
  await time.runFor(1000);
  clock.stop('both');
  await time.runFor(5000);
  expect([clock.monotonicMs(), clock.boottimeMs()]).toEqual([1000, 1000]);
});
