import { expect, test } from 'vitest';
import { VirtualTime } from '../chaos/sim/virtual-time.ts';
import { Turns } from './turns.ts';

function bench(most: number) {
  const time = new VirtualTime();
  const timers = { after: (delayMs: number, run: () => void) => time.schedule(delayMs, run) };
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => void timers.after(ms, () => resolve()));
  return { time, timers, pause, turns: new Turns(timers, most) };
}

test('N15: of 150 pieces of work few run at once, in the order they came', async () => {
  const { time, pause, turns } = bench(4);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  let over = 0;
  const one = async (index: number): Promise<void> => {
    begun.push(index);
    running += 1;
    most = Math.max(most, running);
    await pause(10);
    running -= 1;
  };
  for (let index = 0; index < 150; index += 1) {
    void turns.run(() => one(index)).then(() => (over += 1));
  }
  await time.runUntil(() => over === 150, 60_000);
  expect([over, most]).toEqual([150, 4]);
  expect(begun).toEqual(begun.toSorted((a, b) => a - b));
});

test('N15: a timer that is due fires between two that waited, however quick they are', async () => {
  const { time, timers, turns } = bench(1);
  const story: string[] = [];
  timers.after(0, () => story.push('heartbeat'));
  for (let index = 0; index < 3; index += 1) {
    void turns.run(async () => void story.push(`stop ${index}`));
  }
  await time.runUntil(() => story.length === 4, 1000);
  expect(story).toEqual(['stop 0', 'heartbeat', 'stop 1', 'stop 2']);
});

test('work that fails hands its place on', async () => {
  const { time, turns } = bench(1);
  const ends: string[] = [];
  void turns.run(() => Promise.reject(new Error('no'))).catch(() => ends.push('failed'));
  void turns.run(async () => void ends.push('done'));
  await time.runUntil(() => ends.length === 2, 1000);
  expect(ends).toEqual(['failed', 'done']);
});
