import { expect, test } from 'vitest';
import { OperatorBench } from '../testing/operator-bench.ts';
import { WorkQueue } from './work-queue.ts';

const bench = new OperatorBench();
const queueOf = (...keys: readonly string[]) => {
  const queue = new WorkQueue(bench.env);
  for (const key of keys) queue.add(key);
  return queue;
};
const takeAll = async (queue: WorkQueue): Promise<string[]> => {
  const keys: string[] = [];
  while (queue.depth > 0) keys.push((await queue.take()) ?? '');
  return keys;
};

test('a key that is added twice is taken once', async () => {
  expect(await takeAll(queueOf('ns/a', 'ns/b', 'ns/a'))).toEqual(['ns/a', 'ns/b']);
});

test('a key that is added while it is worked on comes back when it is done, and not before', async () => {
  const queue = queueOf('ns/a');
  await queue.take();
  queue.add('ns/a');
  queue.add('ns/a');
  expect(queue.depth).toBe(0);
  queue.done('ns/a');
  expect(await takeAll(queue)).toEqual(['ns/a']);
});

test('a namespace with many changes does not keep another waiting', async () => {
  const many = Array.from({ length: 1000 }, (_, n) => `big/${n}`);
  const keys = await takeAll(queueOf(...many, 'small/a', 'small/b', 'hypervisor'));
  expect(keys.slice(0, 5)).toEqual(['big/0', 'small/a', 'hypervisor', 'big/1', 'small/b']);
  expect(keys.length).toBe(1003);
});

test('tries of one key are further and further apart, up to a minute, until it is forgotten', async () => {
  const delays: number[] = [];
  const queue = new WorkQueue({
    ...bench.env,
    random: { fraction: () => 1, uuid: () => '' },
    timers: {
      after: (delayMs, action) => {
        delays.push(delayMs);
        return bench.env.timers.after(delayMs, action);
      },
    },
  });
  for (let n = 0; n < 12; n += 1) {
    queue.retry('ns/a');
    await bench.until(() => queue.depth === 1, 70_000);
    await queue.take();
    queue.done('ns/a');
  }
  expect(delays.slice(0, 4)).toEqual([200, 400, 800, 1600]);
  expect(delays.slice(-2)).toEqual([60_000, 60_000]);
  queue.forget('ns/a');
  queue.retry('ns/a');
  expect(delays.at(-1)).toBe(200);
});

test('what is added is not waited for any longer', async () => {
  const queue = new WorkQueue(bench.env);
  queue.addAfter('ns/a', 10_000);
  queue.add('ns/a');
  await queue.take();
  queue.done('ns/a');
  await bench.time.runFor(20_000);
  expect(queue.depth).toBe(0);
});

test('a queue that is stopped gives out nothing, to those that wait and those that come', async () => {
  const queue = new WorkQueue(bench.env);
  const waiting = queue.take();
  queue.stop();
  queue.add('ns/a');
  expect(await waiting).toBe(null);
  expect(await queue.take()).toBe(null);
});
