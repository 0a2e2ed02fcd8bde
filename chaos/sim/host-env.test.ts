import { expect, test } from 'vitest';
import { HostClock } from './clock.ts';
import { makeTimers } from './host-env.ts';
import { SimProcess } from './sim-process.ts';
import { VirtualTime } from './virtual-time.ts';

function makeParts(rate = 1) {
  const time = new VirtualTime();
  const clock = new HostClock(time, { rate });
  const process = new SimProcess(time, 'node-1 agent');
  return { time, clock, process, timers: makeTimers(time, clock, process) };
}

test('a timer goes by its host clock, and never fires early by it', async () => {
  for (const rate of [0.95, 0.99, 1, 1.0123, 1.05]) {
    const { time, clock, timers } = makeParts(rate);
    const late: number[] = [];
    const again = (): void => {
      const dueMs = clock.monotonicMs() + 333.3;
      timers.after(333.3, () => {
        late.push(clock.monotonicMs() - dueMs);
        again();
      });
    };
    again();
    await time.run(100_000);
    expect(late.length).toBeGreaterThan(280);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThan(0.01);
  }
});

test('a cancelled timer does not fire, also when it is held by a pause', async () => {
  const { time, process, timers } = makeParts();
  let fired = 0;
  const early = timers.after(10, () => (fired += 1));
  early.cancel();
  const held = timers.after(20, () => (fired += 1));
  process.pause('stopped');
  await time.run(50);
  held.cancel();
  process.resume('stopped');
  await time.run(100);
  expect(fired).toBe(0);
});

test('a pause makes timers late; those that fell due follow in order', async () => {
  const { time, process, timers } = makeParts();
  const seen: (readonly [string, number])[] = [];
  timers.after(10, () => seen.push(['a', time.nowMs]));
  timers.after(20, () => seen.push(['b', time.nowMs]));
  timers.after(5000, () => seen.push(['c', time.nowMs]));
  process.pause('stopped');
  time.schedule(3000, () => process.resume('stopped'));
  await time.run(10_000);
  expect(seen).toEqual([
    ['a', 3000],
    ['b', 3000],
    ['c', 5000.001],
  ]);
});

test('timers of a dead process never fire', async () => {
  const { time, process, timers } = makeParts();
  let fired = false;
  timers.after(10, () => {
    fired = true;
  });
  time.schedule(5, () => process.kill('crash'));
  await time.run(100);
  expect(fired).toBe(false);
});

test('C4: a timer that was pending during suspend waits for the rest of its time', async () => {
  const { time, clock, process, timers } = makeParts();
  let atMs = -1;
  timers.after(1000, () => {
    atMs = time.nowMs;
  });
  await time.run(400);
  clock.stop('monotonic');
  process.pause('host');
  await time.run(60_400);
  clock.go();
  process.resume('host');
  await time.run(90_000);
  expect(atMs).toBeCloseTo(61_000, 1);
  expect(time.executed).toBeLessThan(10);
});

test('C3: a timer set before its clock was slowed down does not fire early', async () => {
  const { time, clock, timers } = makeParts();
  let atMs = -1;
  timers.after(1000, () => {
    atMs = clock.monotonicMs();
  });
  await time.run(500);
  clock.setRate(0.9);
  await time.run(5000);
  expect(atMs).toBeGreaterThanOrEqual(1000);
  expect(atMs).toBeLessThan(1000.01);
});
