import { expect, test } from 'vitest';
import { SimProcess } from './sim-process.ts';
import { VirtualTime } from './virtual-time.ts';

function makeProcess(): { readonly time: VirtualTime; readonly process: SimProcess } {
  const time = new VirtualTime();
  return { time, process: new SimProcess(time, 'node-1 agent') };
}

test('what reaches a paused process waits for its end, in order, each as an event', async () => {
  const { time, process } = makeProcess();
  const seen: string[] = [];
  process.pause('stopped');
  process.enter(() => {
    seen.push('a');
    void Promise.resolve().then(() => seen.push('a, later'));
  });
  process.enter(() => seen.push('b'));
  await time.run(100);
  expect(seen).toEqual([]);
  process.resume('stopped');
  process.enter(() => seen.push('c'));
  await time.run(100);
  expect(seen).toEqual(['a', 'a, later', 'b', 'c']);
});

test('a process held for two reasons goes on when both are gone', async () => {
  const { time, process } = makeProcess();
  const seen: string[] = [];
  process.pause('stopped');
  process.pause('host');
  process.enter(() => seen.push('in'));
  process.resume('stopped');
  await time.run(1);
  expect(seen).toEqual([]);
  process.resume('host');
  await time.run(1);
  expect(seen).toEqual(['in']);
});

test('a pause before the second effect holds it, between a check and its send', async () => {
  const { time, process } = makeProcess();
  const sent: string[] = [];
  process.beforeEffect(2, () => process.pause('stopped'));
  process.enter(() => {
    process.effect(() => sent.push('first'));
    process.effect(() => sent.push('second'));
    process.effect(() => sent.push('third'));
  });
  await time.run(5);
  expect(sent).toEqual(['first']);
  process.resume('stopped');
  expect(sent).toEqual(['first', 'second', 'third']);
});

test('what it answers while it catches up leaves at once', async () => {
  const { time, process } = makeProcess();
  const order: string[] = [];
  process.pause('stopped');
  for (const name of ['a', 'b']) {
    process.enter(() => {
      order.push(`in ${name}`);
      process.effect(() => order.push(`out ${name}`));
    });
  }
  process.resume('stopped');
  await time.run(1);
  expect(order).toEqual(['in a', 'out a', 'in b', 'out b']);
});

test('a process killed before an effect never has it, and nothing reaches it again', async () => {
  const { time, process } = makeProcess();
  const seen: string[] = [];
  const causes: string[] = [];
  process.onDeath((cause) => causes.push(cause));
  process.beforeEffect(1, () => process.kill('crash'));
  process.effect(() => seen.push('effect'));
  process.enter(() => seen.push('input'));
  process.kill('powerLoss');
  await time.run(10);
  expect(seen).toEqual([]);
  expect(causes).toEqual(['crash']);
  expect(process.dead).toBe(true);
});

test('a call made before a crash takes effect, and its answer is never heard', async () => {
  const { time, process } = makeProcess();
  let written = false;
  let answered = false;
  const write = (): Promise<void> =>
    new Promise((resolve) =>
      time.schedule(10, () => {
        written = true;
        resolve();
      }),
    );
  void process.call(write).then(() => (answered = true));
  time.schedule(5, () => process.kill('crash'));
  await time.run(100);
  expect(written).toBe(true);
  expect(answered).toBe(false);
});

test('a refused call rejects through the gate', async () => {
  const { time, process } = makeProcess();
  let message = '';
  process.pause('stopped');
  process
    .call(() => Promise.reject(new Error('EIO')))
    .catch((error: unknown) => {
      message = String(error);
    });
  await time.run(10);
  expect(message).toBe('');
  process.resume('stopped');
  await time.run(10);
  expect(message).toBe('Error: EIO');
});
